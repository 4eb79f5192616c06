"""Clinical quantities to predict: columns of the scans' table, or their logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.store import Store, StoreEntry
from hagan.errors import UsageError
from hagan.experiments.cohort import Cohort

LOG = "log "
"""Before the name of a column whose logarithm is predicted."""

ZERO_SHARE = 0.01
"""Of the smallest value above 0: what is added before the logarithm where a column has zeros."""

LEAST_VALUES = 6
"""Different values of a column that is a quantity and not a class."""

PHANTOM_TARGETS = {
    "thorax": ("log fev1pp", "log ratio", "log laa_percent"),
    "brain": ("age", "ventricles_ml", "hippocampi_ml", "brain_ml"),
}
"""The thorax's are the paper's: FEV1 % predicted, FEV1/FVC and %emphysema."""


@dataclass(frozen=True)
class Target:
    """What is predicted."""

    name: str
    """A column, with `log ` before it for its logarithm."""

    @property
    def column(self) -> str:
        """Of the table."""
        return self.name.removeprefix(LOG)

    def values(self, entries: Sequence[StoreEntry]) -> tuple[NDArray[np.float64], float]:
        """The value of each scan, NaN where there is none, and what was added before a logarithm.

        Raises:
            UsageError: The column is not there, holds text, or has a logarithm nowhere.
        """
        found = [entry.covariates.get(self.column, np.nan) for entry in entries]
        texts = [value for value in found if isinstance(value, str)]
        if texts:
            raise UsageError(f"--targets {self.name}: {texts[0]!r} is not a number")
        values = np.array(found, np.float64)
        if not np.isfinite(values).any():
            columns = sorted({name for entry in entries for name in entry.covariates})
            raise UsageError(
                f"--targets {self.name}: no scan has {self.column}; its table has "
                f"{', '.join(columns) or 'no columns'}"
            )
        if not self.name.startswith(LOG):
            return values, 0.0
        known = values[np.isfinite(values)]
        if (known < 0).any() or not (known > 0).any():
            raise UsageError(f"--targets {self.name}: a logarithm needs values above 0")
        added = ZERO_SHARE * float(known[known > 0].min()) if (known == 0).any() else 0.0
        return np.log(values + added), added


def targets_of(cohort: Cohort, store: Store) -> Sequence[str]:
    """Of phantoms those of the paper, of a user's scans every numeric column that varies.

    Raises:
        UsageError: There is none.
    """
    if cohort.is_phantom:
        return PHANTOM_TARGETS[cohort.name]
    numeric: dict[str, set[float]] = {}
    texts = set()
    for entry in store.entries:
        for name, value in entry.covariates.items():
            if isinstance(value, str):
                texts.add(name)
            else:
                numeric.setdefault(name, set()).add(value)
    names = [
        name for name, held in numeric.items() if len(held) >= LEAST_VALUES and name not in texts
    ]
    if not names:
        raise UsageError(
            f"{store.path} has no numeric column; prepare it with --labels TABLE, and name columns "
            "with --targets"
        )
    return names
