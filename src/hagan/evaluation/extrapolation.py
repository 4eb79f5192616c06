"""Frechet distance at infinitely many samples, by a line through its values at several sizes.

The distance of finite sets is too large by about c / n, and c depends on the generator, so that
even at equal n two generators may stand in the wrong order (Chong and Forsyth 2020). On a line
over 1 / n, the intercept is free of the first-order bias. Where the sets hold fewer rows than there
are directions in which features vary, the bias falls more slowly than 1 / n, and the intercept is
nearer to the truth than the plain distance but still too large; `r2` below 0.99 is a sign of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hagan.errors import BadInputError
from hagan.evaluation.distances import check_features
from hagan.evaluation.frechet import frechet_distance
from hagan.evaluation.measure import Matrix

LEAST_ROWS = 256
"""Rows of the smaller set below which no extrapolation is made."""

SHARES = (1.0, 1 / 1.25, 1 / 1.5, 1 / 1.75, 1 / 2.0, 1 / 2.5, 1 / 3.0, 1 / 4.0)
"""Parts of both sets that are compared, evenly spaced in 1 / n but for the smallest."""


@dataclass(frozen=True)
class Extrapolation:
    """A line through Frechet distances over 1 / n.

    Attributes:
        value: The intercept, the distance at n -> infinity; noise may make it negative.
        slope: How fast the distance falls, times rows of the smaller set: the bias is slope / n.
        sizes: Rows of the smaller set at each point, falling.
        means: Mean distance of the draws at each size.
        r2: Share of the means' variance that the line explains; well below 1, the sizes are too
            small for their bias to go as 1 / n.
    """

    value: float
    slope: float
    sizes: tuple[int, ...]
    means: tuple[float, ...]
    r2: float


def extrapolate_frechet(
    fake: Matrix, real: Matrix, *, draws: int = 5, seed: int = 0
) -> Extrapolation:
    """Fit Frechet distances of random subsets, both sets shrunk by the same share.

    Subsets are drawn without replacement, as repeated rows would add a bias of their own. Both
    sides shrink, as both contribute to the bias.

    Args:
        fake: Features [n, f].
        real: Features [m, f].
        draws: Subsets at each size but the whole.
        seed: Of the subsets.

    Raises:
        BadInputError: Fewer than `LEAST_ROWS` rows, rows that are not finite, or different widths.
            With tens of rows the smallest subsets hold about ten, whose bias does not go as
            1 / n, and the intercept would be noise that looks like a correction.
    """
    check_features(fake=fake, real=real)
    least = min(len(fake), len(real))
    if least < LEAST_ROWS:
        raise BadInputError(
            f"the smaller set holds {least} rows, extrapolating a Frechet distance needs at least "
            f"{LEAST_ROWS}; give more volumes, or compare at equal numbers instead"
        )
    rng = np.random.default_rng(seed)
    sizes, means = [], []
    for share in SHARES:
        counts = [round(share * len(rows)) for rows in (fake, real)]
        distances = []
        for _ in range(1 if share == 1.0 else draws):
            fake_part, real_part = (
                rows[rng.choice(len(rows), count, replace=False)]
                for rows, count in zip((fake, real), counts, strict=True)
            )
            distances.append(frechet_distance(fake_part, real_part))
        sizes.append(min(counts))
        means.append(float(np.mean(distances)))
    inverse, values = 1.0 / np.array(sizes), np.array(means)
    slope, intercept = np.polyfit(inverse, values, 1)
    left = np.square(values - (intercept + slope * inverse)).sum()
    spread = np.square(values - values.mean()).sum()
    return Extrapolation(
        value=float(intercept),
        slope=float(slope),
        sizes=tuple(sizes),
        means=tuple(means),
        r2=float(1.0 - left / spread) if spread > 0.0 else 1.0,
    )
