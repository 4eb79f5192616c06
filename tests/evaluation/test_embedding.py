"""Embeddings keep distances, and the ellipse is that of the paper's figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from hagan.errors import BadInputError
from hagan.evaluation.embedding import (
    HA_GAN_ELLIPSE_POINTS,
    ellipse,
    embed,
    mds,
    pca_2d,
)


def stress(rows: np.ndarray, points: np.ndarray) -> float:
    """Kruskal's stress 1."""
    wanted, found = pdist(rows), pdist(points)
    return float(np.sqrt(np.square(wanted - found).sum() / np.square(wanted).sum()))


def flat(seed: int, rows: int, columns: int) -> np.ndarray:
    """Points of a plane in many dimensions."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(columns, 2)))[0]
    return rng.normal(size=(rows, 2)) * [3.0, 1.0] @ axes.T + 5.0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_distances_of_a_plane_survive_both_at_any_scale(scale: float) -> None:
    rows = flat(0, 30, 12) * scale
    for method in (mds, pca_2d):
        (points,) = method([rows])
        assert points.shape == (30, 2)
        assert stress(rows, points) < 1e-2
        assert points.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9 * scale)


@pytest.mark.slow
def test_mds_is_no_worse_than_a_long_search_and_better_than_components() -> None:
    """A tolerance that ends the search early would cost a tenth and more."""
    from sklearn.manifold import smacof

    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.normal(size=(20, 10)) + shift for shift in (0.0, 1.5, 3.0)])
    distances = np.sqrt(np.square(rows[:, None] - rows[None]).sum(axis=2))
    best, _ = smacof(
        distances, n_init=8, max_iter=2000, eps=0.0, random_state=1, normalized_stress=False
    )
    found = stress(rows, np.concatenate(mds([rows[:20], rows[20:]])))
    assert found < 1.02 * stress(rows, best)
    assert found < 0.8 * stress(rows, np.concatenate(pca_2d([rows])))


def test_sets_are_placed_together_and_given_back_apart() -> None:
    rng = np.random.default_rng(2)
    sets = [rng.normal(size=(count, 6)) + shift for count, shift in ((12, 0.0), (9, 0.0), (7, 9.0))]
    for method in (mds, pca_2d):
        points = method(sets)
        assert [len(p) for p in points] == [12, 9, 7]
        means = [p.mean(axis=0) for p in points]
        assert np.linalg.norm(means[0] - means[1]) < 4.0
        assert np.linalg.norm(means[0] - means[2]) > 10.0


def test_the_seed_decides() -> None:
    rows = np.random.default_rng(3).normal(size=(25, 8))
    first, again, other = (mds([rows], seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("rows", "columns"), [(50, 8), (10, 40)])
def test_pca_equals_scikit_learns_with_fixed_signs(rows: int, columns: int) -> None:
    features = np.random.default_rng(4).normal(size=(rows, columns)) * np.arange(1, columns + 1)
    (points,) = pca_2d([features])
    pca = PCA(2, svd_solver="full").fit(features)
    signs = np.sign(pca.components_[[0, 1], np.abs(pca.components_).argmax(axis=1)])
    assert points == pytest.approx(pca.transform(features) * signs, abs=1e-8)


def test_one_direction_alone_lies_on_a_line() -> None:
    line = np.linspace(0, 4, 9)[:, None] * np.ones((1, 3))
    (points,) = pca_2d([line])
    assert np.ptp(points[:, 0]) == pytest.approx(4 * np.sqrt(3))
    assert not points[:, 1].any()
    (single,) = pca_2d([np.arange(4.0)[:, None]])
    assert single == pytest.approx(np.array([[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]]))
    for method in (mds, pca_2d):
        (same,) = method([np.ones((5, 3))])
        assert not same.any()


def test_many_points_are_embedded_by_components() -> None:
    rows = np.random.default_rng(5).normal(size=(12, 4))
    assert embed([rows, rows], limit=24).method == "mds"
    beyond = embed([rows, rows], limit=23)
    assert beyond.method == "pca"
    assert beyond.points[1] == pytest.approx(pca_2d([rows, rows])[1])


def test_points_on_an_ellipse_get_that_ellipse() -> None:
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    points = np.stack([5 * np.cos(angles), 2 * np.sin(angles)], axis=1) @ turn + [3.0, -1.0]
    found = ellipse(points)
    assert found.centre == pytest.approx([3.0, -1.0])
    assert np.linalg.norm(found.half_axes, axis=1) == pytest.approx([5.0, 2.0])
    boundary = (found.boundary(400) - found.centre) @ turn.T
    assert boundary.shape == (400, 2)
    on_it = np.square(boundary[:, 0] / 5) + np.square(boundary[:, 1] / 2)
    assert on_it == pytest.approx(np.ones(400))
    assert boundary[0] == pytest.approx(boundary[-1])


def test_half_axes_are_root_two_deviations_and_the_authors_are_larger() -> None:
    points = np.random.default_rng(6).normal(size=(512, 2)) * [2.0, 1.0]
    own, theirs = ellipse(points), ellipse(points, HA_GAN_ELLIPSE_POINTS)
    eigenvalues = np.linalg.eigvalsh(np.cov(points.T, ddof=0))[::-1]
    assert np.linalg.norm(own.half_axes, axis=1) == pytest.approx(np.sqrt(2 * eigenvalues))
    assert theirs.half_axes == pytest.approx(own.half_axes * np.sqrt(512 / 300))


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(BadInputError, match="no set of features"):
        mds([])
    with pytest.raises(BadInputError, match="set 2 features have 3 columns"):
        pca_2d([np.zeros((2, 2)), np.zeros((2, 3))])
    with pytest.raises(BadInputError, match="needs at least two"):
        ellipse(np.zeros((1, 2)))
