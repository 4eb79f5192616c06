"""Covariates on which volumes are conditioned: their scale, their range, and who had which."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hagan.errors import BadInputError, UsageError

BEYOND = 0.1
"""Share of the range by which a value may be asked for beyond what was trained on."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a model must know of its covariates to take them in their own units.

    Attributes:
        names: Columns of the store's table, in the order of a label's entries.
        means: Over the training scans, which become 0.
        sds: Over the training scans, which become 1.
        lows: Least of the training scans.
        highs: Greatest of the training scans.
        rows: Values of each training scan, sorted so that they do not tell which scan is whose;
            volumes for which nothing is asked take theirs from here, so that covariates go
            together as in the scans.
        labels: Class of each row; empty where there are none.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    labels: tuple[int, ...] = ()

    @classmethod
    def of_scans(
        cls,
        names: Sequence[str],
        scans: Sequence[Mapping[str, float | str]],
        labels: Sequence[int],
        store: Path,
    ) -> Conditions:
        """Learn scale and range from the training scans.

        Args:
            names: Columns of the store's table.
            scans: What the table says of each training scan.
            labels: Class of each; empty where classes do not count.
            store: Where they are, for messages.

        Returns:
            The conditions.

        Raises:
            BadInputError: A scan has no number in a column, or all have the same.
        """
        for name in names:
            lacking = sum(number_of(scan, name) is None for scan in scans)
            if lacking:
                columns = ", ".join(sorted({key for scan in scans for key in scan})) or "none"
                raise BadInputError(
                    f"{lacking} of {len(scans)} training scans of {store} have no number for "
                    f"{name}; complete the table and give it to hagan prepare with --labels "
                    f"(columns of the store: {columns})"
                )
        values = [values_of(scan, names) for scan in scans]
        order = sorted(range(len(scans)), key=lambda i: (values[i], *labels[i : i + 1]))
        table = np.array([values[i] for i in order], np.float64)
        lows, highs = table.min(axis=0), table.max(axis=0)
        for name, low, high in zip(names, lows, highs, strict=True):
            if low == high:
                raise BadInputError(
                    f"{name} is {low:g} in all {len(scans)} training scans of {store}, so that "
                    "nothing can be learnt of it; leave it out of model.conditions"
                )
        return cls(
            names=tuple(names),
            means=tuple(table.mean(axis=0).tolist()),
            sds=tuple(table.std(axis=0).tolist()),
            lows=tuple(lows.tolist()),
            highs=tuple(highs.tolist()),
            rows=tuple(values[i] for i in order),
            labels=tuple(labels[i] for i in order) if labels else (),
        )

    def standardised(self, values: Mapping[str, float]) -> list[float]:
        """Values in the columns' own units as a label holds them: mean 0 and sd 1 in training."""
        scales = zip(self.names, self.means, self.sds, strict=True)
        return [(values[name] - mean) / sd for name, mean, sd in scales]

    def checked(self, asked: Mapping[str, float]) -> dict[str, float]:
        """What is asked for, in the order of the names.

        Raises:
            UsageError: A name is unknown, one has no value, or a value is out of range.
        """
        for name in asked:
            if name not in self.names:
                raise UsageError(f"the model has no condition {name}; it takes {self.told}")
        for name, low, high in zip(self.names, self.lows, self.highs, strict=True):
            if name not in asked:
                raise UsageError(f"a value of {name} is missing; the model takes {self.told}")
            margin = BEYOND * (high - low)
            if not low - margin <= asked[name] <= high + margin:
                raise UsageError(
                    f"{name}={asked[name]:g} is too far from what the model has seen, {low:g} to "
                    f"{high:g}; ask for {low - margin:g} to {high + margin:g}"
                )
        return {name: asked[name] for name in self.names}

    def drawn(self, index: int, *, seed: int, label: int | None = None) -> dict[str, float]:
        """Values of a training scan for volume `index` of a seed, where there are any of its class.

        Args:
            index: From 0.
            seed: Which series of volumes.
            label: Class of the volume.
        """
        own = [row for row, its in zip(self.rows, self.labels, strict=False) if its == label]
        rows = own or self.rows
        digest = hashlib.sha256(f"conditions/{seed}/{index}".encode()).digest()
        row = rows[int.from_bytes(digest[:8], "little") % len(rows)]
        return dict(zip(self.names, row, strict=True))

    @property
    def told(self) -> str:
        """Names and ranges in words."""
        ranges = zip(self.names, self.lows, self.highs, strict=True)
        return ", ".join(f"{name} ({low:g} to {high:g})" for name, low, high in ranges)


def number_of(covariates: Mapping[str, float | str], name: str) -> float | None:
    """A covariate's number; none where it is absent or something else."""
    value = covariates.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def values_of(covariates: Mapping[str, float | str], names: Sequence[str]) -> tuple[float, ...]:
    """Numbers of covariates that are known to be there."""
    values = [number_of(covariates, name) for name in names]
    assert None not in values, names
    return tuple(value for value in values if value is not None)
