"""The extrapolated Frechet distance is nearer to the truth than the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.errors import BadInputError
from hagan.evaluation.extrapolation import LEAST_ROWS, SHARES, extrapolate_frechet
from hagan.evaluation.frechet import frechet_distance


def gaussians(seed: int, fake: int, real: int) -> tuple[np.ndarray, np.ndarray]:
    """32 features; the means are 0.05 apart in each, the deviations 1 and 1.2."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(fake, 32)), 1.2 * rng.normal(size=(real, 32)) + 0.05


TRUTH = 32 * (0.05**2 + 0.2**2)


def test_is_nearer_to_known_moments_than_the_plain_distance() -> None:
    plain, extrapolated = [], []
    for seed in range(6):
        fake, real = gaussians(seed, 400, 400)
        plain.append(frechet_distance(fake, real))
        line = extrapolate_frechet(fake, real, draws=3, seed=seed)
        extrapolated.append(line.value)
        assert line.r2 > 0.95
        assert line.means[0] == pytest.approx(plain[-1], rel=1e-12)
    assert min(plain) > 1.5 * TRUTH
    assert np.mean(extrapolated) == pytest.approx(TRUTH, rel=0.2)
    assert all(abs(e - TRUTH) < abs(p - TRUTH) for e, p in zip(extrapolated, plain, strict=True))


def test_both_sides_shrink_by_the_same_share() -> None:
    fake, real = gaussians(7, 600, 300)
    line = extrapolate_frechet(fake, real, draws=2)
    assert line.sizes == tuple(round(share * 300) for share in SHARES)
    assert line.value == pytest.approx(TRUTH, rel=0.5)
    predicted = line.value + line.slope / np.array(line.sizes)
    assert np.array(line.means) == pytest.approx(predicted, rel=0.1)


def test_the_seed_decides() -> None:
    fake, real = gaussians(8, 260, 260)
    first = extrapolate_frechet(fake, real, draws=1, seed=3)
    assert first == extrapolate_frechet(fake, real, draws=1, seed=3)
    assert first != extrapolate_frechet(fake, real, draws=1, seed=4)


def test_equal_sets_have_a_flat_line() -> None:
    fake = np.zeros((LEAST_ROWS, 2))
    line = extrapolate_frechet(fake, fake)
    assert (line.value, line.slope, line.r2) == (0.0, 0.0, 1.0)


def test_too_few_rows_are_refused_with_the_reason() -> None:
    fake, real = gaussians(9, 300, LEAST_ROWS - 1)
    with pytest.raises(BadInputError, match=r"holds 255 rows.*needs at least 256"):
        extrapolate_frechet(fake, real)
