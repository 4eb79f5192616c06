import numpy as np
import pytest

from hagan.data.phantom.thorax_truth import cluster_slope


def _clusters(exponent, rng):
    """Bars whose number larger than A falls as A to the minus exponent."""
    low = np.zeros((60, 60, 60), bool)
    for level in range(0, 60):
        for row in range(0, 60, 2):
            length = int(rng.random() ** (-1 / exponent))
            low[level, row, : min(length, 60)] = True
    return low


def test_the_slope_of_known_clusters_is_found():
    rng = np.random.default_rng(0)
    flat, steep = (cluster_slope(_clusters(exponent, rng)) for exponent in (0.8, 1.6))
    assert flat == pytest.approx(0.8, abs=0.2)
    assert steep == pytest.approx(1.6, abs=0.35)


def test_clusters_do_not_join_between_slices():
    low = np.zeros((10, 9, 9), bool)
    low[:, 4, 4] = True
    assert np.isnan(cluster_slope(low))
