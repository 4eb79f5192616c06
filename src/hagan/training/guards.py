"""Early signs that training goes wrong, each a plain line with what to change.

They change nothing in a run. Each is told once, and again when it has gone away and comes back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hagan.data.files import write_bytes_atomically
from hagan.training.log import read_metrics
from hagan.types import Volumes

log = logging.getLogger(__name__)

EARLIEST = 0.1
"""Share of the run before which volumes are not judged: nothing is learned yet."""

DEAD = 0.02
"""Spread of intensities within a generated volume, over that within real ones."""

ALIKE = 0.2
"""Mean distance between generated volumes, over that between real ones."""

OVERWHELMED = 0.05
"""D's loss over what it has when it guesses."""

REMEMBERED = 0.99
"""Of the running mean of D's loss, from one of its turns to the next."""

TURNS_TO_TRUST = 300
"""Turns of D after which that mean says something."""

JUDGED_SIDE = 32
"""Voxels along each axis at which volumes are compared, at most."""

ADVICE = {
    "dead": (
        "generated volumes are empty: within them intensities spread {value:.2%} of what they do "
        "in scans. Begin anew with lower learning rates, or with model.body_weight=4 where "
        "reconstruction reaches G and scans are mostly air"
    ),
    "alike": (
        "generated volumes are nearly alike: they differ by {value:.0%} of what scans do. Begin "
        "anew with model.warm_start (fixed codes), a smaller model.width, a larger batch, or "
        "model.adversarial=relativistic"
    ),
    "overwhelmed": (
        "D tells nearly all generated volumes: its loss is {value:.1%} of guessing's, so that G "
        "learns little, and on few scans D may know them by heart. Use the weights up to here, or "
        "begin anew with model.augment, training.mirror (brains), or a lower rate of D"
    ),
}
"""What to change, by sign."""


@dataclass(frozen=True)
class Sign:
    """Something that goes wrong: since which step, how it is called, the line to tell."""

    step: int
    name: str
    text: str


class Guards:
    """Watches losses and generated volumes of a run."""

    def __init__(
        self, path: Path, *, chance: Mapping[str, float], resumed_step: int, writes: bool = True
    ) -> None:
        """Begin to watch.

        Args:
            path: File that keeps the signs, a JSON line each; what it holds beyond `resumed_step`
                is cut off.
            chance: Values of D's terms where it guesses, by `<phase>/<term>`.
            resumed_step: Steps that are done.
            writes: Whether this process tells and writes.
        """
        self.path = path
        self.writes = writes
        self._chance = chance
        self._mean = 0.0
        self._turns = 0
        self._present: set[str] = set()
        if writes and path.exists():
            kept = [line for line in read_metrics(path) if line["step"] <= resumed_step]
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_bytes_atomically(path, text.encode())

    def see_losses(self, step: int, values: Mapping[str, float]) -> None:
        """Take one step's terms by `<phase>/<term>`.

        Args:
            step: Steps done.
            values: Those of the turns that the step had.
        """
        if not self._chance or not self._chance.keys() <= values.keys():
            return
        share = sum(values[name] for name in self._chance) / sum(self._chance.values())
        self._turns += 1
        # A mean of what was seen, until there is enough for a running one.
        forget = max(1.0 - REMEMBERED, 1.0 / self._turns)
        self._mean += forget * (share - self._mean)
        if self._turns >= TURNS_TO_TRUST:
            self._judge(step, "overwhelmed", self._mean, OVERWHELMED)

    def see_volumes(self, step: int, progress: float, real: Volumes, fake: Volumes) -> None:
        """Take generated volumes beside real ones.

        Args:
            step: Steps done.
            progress: Share of the run that is done.
            real: Volumes [n, 1, d, h, w].
            fake: Volumes [m, 1, d, h, w].
        """
        if progress < EARLIEST:
            return
        spreads = [float(volumes.flatten(1).std(dim=1).mean()) for volumes in (real, fake)]
        if not self._judge(step, "dead", _ratio(spreads[1], spreads[0]), DEAD):
            distances = [mean_distance(volumes) for volumes in (real, fake)]
            if None not in distances:
                self._judge(step, "alike", _ratio(distances[1], distances[0]), ALIKE)

    def _judge(self, step: int, name: str, value: float | None, limit: float) -> bool:
        """Tell a sign that is new, forget one that has gone; whether it is there."""
        there = value is not None and value < limit
        if there and name not in self._present:
            self._tell(Sign(step, name, ADVICE[name].format(value=value)))
        (self._present.add if there else self._present.discard)(name)
        return there

    def _tell(self, sign: Sign) -> None:
        if not self.writes:
            return
        log.warning("step %d: %s", sign.step, sign.text)
        with self.path.open("a") as file:
            file.write(json.dumps(vars(sign)) + "\n")


def read_signs(path: Path) -> list[Sign]:
    """Signs of a run so far; none where the file is not there."""
    return [Sign(**line) for line in read_metrics(path)] if path.exists() else []


def mean_distance(volumes: Volumes) -> float | None:
    """Mean Euclidean distance between pairs, at low resolution; none of fewer than two."""
    if len(volumes) < 2:
        return None
    depth, height, width = (min(side, JUDGED_SIDE) for side in volumes.shape[2:])
    small: Tensor = functional.adaptive_avg_pool3d(volumes.float(), (depth, height, width))
    rows = small.flatten(1)
    return float(torch.pdist(rows).mean())


def _ratio(value: float | None, of: float | None) -> float | None:
    return None if value is None or not of else value / of
