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
    """One phase and its Adam; a player without weights has none."""

    phase: Phase[Any]
    adam: torch.optim.Adam | None

    def set_rate(self, share: float) -> None:
        """Learning rate as a share of the configured one."""
        if self.adam is None:
            return
        for group in self.adam.param_groups:
            group["lr"] = self.phase.adam.learning_rate * share

    def move(self) -> None:
        """Move the weights along their gradients, and forget those."""
        if self.adam is not None:
            self.adam.step()
        self.forget()

    def forget(self) -> None:
        """Drop the gradients."""
        if self.adam is not None:
            self.adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Adam's tensors as `<number of the parameter>.<name>`."""
        if self.adam is None:
            return {}
        return {
            f"{number}.{name}": value
            for number, entries in self.adam.state_dict()["state"].items()
            for name, value in entries.items()
        }

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `state` gave; the settings stay the configuration's."""
        if self.adam is None:
            return
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            number, name = key.split(".")
            entries.setdefault(int(number), {})[name] = value
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": entries, "param_groups": groups})


def make_players(phases: Sequence[Phase[Any]]) -> list[Player]:
    """A player for each phase, in order."""
    return [Player(phase, _adam(phase)) for phase in phases]


def _adam(phase: Phase[Any]) -> torch.optim.Adam | None:
    weights = list(phase.trains.parameters())
    if not weights:
        return None
    return torch.optim.Adam(
        weights,
        lr=phase.adam.learning_rate,
        betas=(phase.adam.beta1, phase.adam.beta2),
        eps=phase.adam.epsilon,
        fused=True,
    )
