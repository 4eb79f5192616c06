"""Directions in latent space and moves along them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.errors import BadInputError, UsageError
from hagan.inference.latent_space import QUANTILES, Direction, moved


def made(seed: int = 0, size: int = 12, target: str = "lung") -> Direction:
    rng = np.random.default_rng(seed)
    return Direction(
        target=target,
        unit="ml",
        weights=rng.normal(size=size),
        intercept=3.5,
        pattern=rng.normal(size=size),
        quantiles=tuple(range(len(QUANTILES))),
        weights_sha256="ab" * 32,
        facts={"spreads": {"lung": 1.5}},
    )


def codes(size: int = 12) -> np.ndarray:
    return np.random.default_rng(9).normal(size=(5, size))


def test_along_the_weights_it_is_the_papers_closed_form() -> None:
    direction = made()
    value = 7.25
    found = moved(codes(), direction, value, along="weights")
    w, b = direction.weights, direction.intercept
    expected = np.stack([z + (value - (w @ z + b)) / (w @ w) * w for z in codes()])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("along", ["weights", "data"])
def test_moved_codes_are_predicted_to_have_what_was_asked(along: str) -> None:
    direction, other, third = made(0), made(1, target="bone"), made(2, target="fat")
    found = moved(codes(), direction, -40.0, held=[other, third], along=along)
    np.testing.assert_allclose(direction.predict(found), -40.0, rtol=1e-9)
    for one in (other, third):
        np.testing.assert_allclose(one.predict(found), one.predict(codes()), rtol=1e-9)


def test_the_way_of_the_data_is_the_pattern() -> None:
    direction = made()
    step = moved(codes(), direction, 100.0) - codes()
    for one in step:
        np.testing.assert_allclose(np.cross(one[:3], direction.pattern[:3]), 0, atol=1e-9)


def test_the_way_of_the_data_is_shortest_in_their_spread() -> None:
    """Of all codes with the asked prediction it is the likeliest under the codes' covariance."""
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6))
    covariance = root @ root.T
    weights = rng.normal(size=6)
    direction = Direction("a", "", weights, 0.0, covariance @ weights, (0.0,) * 5, "", {})
    start = np.zeros((1, 6))
    found = moved(start, direction, 2.0)[0]
    inverse = np.linalg.inv(covariance)
    for _ in range(50):
        other = rng.normal(size=6)
        other *= 2.0 / (weights @ other)
        assert other @ inverse @ other >= found @ inverse @ found * (1 - 1e-9)


def test_what_cannot_move_is_told() -> None:
    direction = made()
    with pytest.raises(UsageError, match="cannot move while lung stays"):
        moved(codes(), direction, 1.0, held=[direction])
    flat = Direction("age", "", np.zeros(12), 1.0, np.zeros(12), (0.0,) * 5, "", {})
    with pytest.raises(UsageError, match="does not depend on the latent code"):
        moved(codes(), flat, 1.0)


def test_a_direction_is_read_as_it_was_written(tmp_path: Path) -> None:
    direction = made()
    direction.save(tmp_path / "new" / "lung.npz")
    found = Direction.load(tmp_path / "new" / "lung.npz")
    np.testing.assert_array_equal(found.weights, direction.weights)
    np.testing.assert_array_equal(found.pattern, direction.pattern)
    for name in ("target", "unit", "intercept", "quantiles", "weights_sha256", "facts"):
        assert getattr(found, name) == getattr(direction, name)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        Direction.load(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"PK no")
    with pytest.raises(BadInputError, match="is no direction"):
        Direction.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", codes=np.zeros(3))
    with pytest.raises(BadInputError, match="is no direction"):
        Direction.load(tmp_path / "b.npz")
    made().save(tmp_path / "c.npz")
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="is no direction"):
        Direction.load(tmp_path / "c.npz")
