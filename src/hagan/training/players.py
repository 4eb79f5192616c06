"""Players: a phase of the game with the optimiser that moves its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hagan.models.gan import Phase


@dataclass(frozen=True, eq=False)
class Player:
    """One phase and its Adam."""

    phase: Phase[Any]
    adam: torch.optim.Adam

    def set_rate(self, share: float) -> None:
        """Learning rate as a share of the configured one."""
        for group in self.adam.param_groups:
            group["lr"] = self.phase.adam.learning_rate * share

    def state(self) -> dict[str, Tensor]:
        """Adam's tensors as `<number of the parameter>.<name>`."""
        return {
            f"{number}.{name}": value
            for number, entries in self.adam.state_dict()["state"].items()
            for name, value in entries.items()
        }

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the settings stay the configuration's."""
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            number, name = key.split(".")
            entries.setdefault(int(number), {})[name] = value
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": entries, "param_groups": groups})


def make_players(phases: Sequence[Phase[Any]]) -> list[Player]:
    """A player for each phase, in order."""
    return [
        Player(
            phase,
            torch.optim.Adam(
                phase.trains.parameters(),
                lr=phase.adam.learning_rate,
                betas=(phase.adam.beta1, phase.adam.beta2),
                eps=phase.adam.epsilon,
                fused=True,
            ),
        )
        for phase in phases
    ]
