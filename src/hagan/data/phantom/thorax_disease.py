"""A COPD-like disease model: GOLD stage, lung function, emphysema and airway disease.

The class limits, medians and couplings are chosen so that the ceilings of predicting lung function
from the picture sit where COPDGene studies found them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from hagan.data.phantom.fields import stream

Values = NDArray[np.float64]

GOLD_SHARES = (0.495, 0.089, 0.217, 0.131, 0.068)
LAA_LIMITS = (0.05, 50.0)

# One column per GOLD class: mean, spread, lower and upper limit of a truncated normal.
_FEV1 = np.array(
    [[97, 91, 65, 40, 23], [11, 8, 8.5, 6, 5], [80, 80, 50, 30, 10], [150, 140, 80, 50, 30]], float
)
_RATIO = np.array(
    [
        [0.78, 0.65, 0.58, 0.44, 0.34],
        [0.045, 0.04, 0.075, 0.085, 0.07],
        [0.70, 0.45, 0.30, 0.22, 0.18],
        [0.93, 0.70, 0.70, 0.68, 0.60],
    ]
)
_LAA_MEDIAN = np.array([1.45, 3.8, 4.8, 10.5, 22.0])
_LAA_SPREAD = np.array([0.90, 0.85, 0.95, 0.85, 0.55])
_AIRWAY = np.array([-0.35, -0.25, 0.15, 0.60, 0.70])


@dataclass(frozen=True)
class Disease:
    """Disease of many subjects, one entry each; every array is [subjects].

    Attributes:
        gold: GOLD stage, 0 to 4.
        fev1pp: FEV1 in percent of the predicted value.
        ratio: FEV1 / FVC.
        laa: Share of lung voxels below -950 HU, in percent.
        airway: Airway axis; +1 thickens the walls by 3.5 points of wall area.
        hyperinflation: 0 for none to 0.9.
    """

    gold: NDArray[np.int64]
    fev1pp: Values
    ratio: Values
    laa: Values
    airway: Values
    hyperinflation: Values


def _truncated(table: Values, gold: NDArray[np.int64], driver: Values) -> Values:
    """Push a standard normal [n] through the truncated normal of each subject's class."""
    mean, spread, low, high = table[:, gold]
    bottom, top = ndtr((low - mean) / spread), ndtr((high - mean) / spread)
    drawn: Values = mean + spread * ndtri(bottom + ndtr(driver) * (top - bottom))
    return drawn


def disease_from(uniform: Values, normals: Values) -> Disease:
    """Turn independent random numbers into correlated disease.

    Args:
        uniform: Numbers in [0, 1) that choose the GOLD class [n].
        normals: Standard normals [n, 5].

    Returns:
        The disease of n subjects.
    """
    gold = np.searchsorted(np.cumsum(GOLD_SHARES)[:-1], uniform, side="right").astype(np.int64)
    z0, z1, z2, z3, z4 = normals.T
    fev1pp = _truncated(_FEV1, gold, 0.45 * z0 + 0.89 * z1)
    ratio = _truncated(_RATIO, gold, z0)
    log_laa = np.log(_LAA_MEDIAN[gold]) + _LAA_SPREAD[gold] * (-0.55 * z0 + 0.84 * z2)
    laa = np.clip(np.exp(log_laa), *LAA_LIMITS)
    airway = _AIRWAY[gold] + 0.85 * (-0.35 * z1 - 0.2 * z0 + 0.92 * z3)
    hyperinflation = 0.12 * np.log(laa) + 0.004 * (70 - fev1pp) + 0.1 * z4
    return Disease(gold, fev1pp, ratio, laa, airway, np.clip(hyperinflation, -0.2, 0.9))


def draw_disease(seed: int, subjects: Sequence[int]) -> Disease:
    """Draw only the disease of many subjects, equal to what `draw_thorax` gives each of them.

    Args:
        seed: Seed of the cohort.
        subjects: Subject numbers; 100 000 take some seconds.

    Returns:
        Their disease, in the order given.
    """
    uniform = np.empty(len(subjects))
    normals = np.empty((len(subjects), 5))
    for row, subject in enumerate(subjects):
        rng = stream(seed, subject, "disease")
        uniform[row] = rng.random()
        rng.standard_normal(out=normals[row])
    return disease_from(uniform, normals)


def ceilings(disease: Disease) -> dict[str, float]:
    """Measure how well the pictured disease can predict lung function at best.

    Least squares on log %LAA, the airway axis, their squares and product: no image model of the
    cohort can be expected to do better.

    Args:
        disease: Disease of at least a few hundred subjects.

    Returns:
        Correlations with log %LAA and the share of explained variance (R2), by name.
    """
    laa, airway = np.log(disease.laa), disease.airway
    seen = np.stack([np.ones_like(laa), laa, airway, laa**2, airway**2, laa * airway], axis=1)
    found = {}
    for name, values in (("fev1pp", disease.fev1pp), ("ratio", disease.ratio)):
        wanted = np.log(values)
        fitted = seen @ np.linalg.lstsq(seen, wanted, rcond=None)[0]
        found[f"r2_log_{name}"] = float(1 - np.var(wanted - fitted) / np.var(wanted))
        found[f"r_log_laa_log_{name}"] = float(np.corrcoef(laa, wanted)[0, 1])
    return found
