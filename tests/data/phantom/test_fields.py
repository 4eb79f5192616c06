import numpy as np
import pytest

from hagan.data.phantom.fields import (
    blur,
    capsule,
    coverage,
    ellipsoid,
    resize,
    slab_coverage,
    smooth_max,
    smooth_min,
    spline_field,
    spline_noise,
    stream,
)


def _grid(side, length=40.0):
    axis = (((np.arange(side) + 0.5) / side - 0.5) * length).astype(np.float32)
    return np.meshgrid(axis, axis, axis, indexing="ij")


def test_streams_are_stable_and_independent():
    first = stream(1, 2, "warp").standard_normal(1000)
    np.testing.assert_array_equal(first, stream(1, 2, "warp").standard_normal(1000))
    for other in (stream(2, 2, "warp"), stream(1, 3, "warp"), stream(1, 2, "trees")):
        assert abs(np.corrcoef(first, other.standard_normal(1000))[0, 1]) < 0.15
    # Pinned: a phantom must look the same on every machine and in every release.
    assert stream(0, 0, "pinned").integers(0, 2**32) == PINNED


PINNED = 1428184770


def test_spline_noise_has_unit_spread_and_does_not_depend_on_the_grid():
    rng = np.random.default_rng(0)
    fields = [spline_noise(rng, 12, (24, 20, 16)) for _ in range(6)]
    assert np.std(fields) == pytest.approx(1, abs=0.06)
    assert fields[0].dtype == np.float32
    small = spline_noise(stream(0, 0, "a"), 6, (15, 15, 15))
    large = spline_noise(stream(0, 0, "a"), 6, (45, 45, 45))
    np.testing.assert_allclose(small, large[1::3, 1::3, 1::3], atol=0.02)


def test_spline_field_keeps_constants_and_computes_boxes():
    np.testing.assert_allclose(spline_field(np.full((4, 5, 6), 3.0), (7, 8, 9)), 3, rtol=1e-6)
    lattice = np.random.default_rng(1).standard_normal((5, 6, 7))
    box = (slice(2, 6), slice(0, 3), slice(4, 9))
    whole = spline_field(lattice, (10, 11, 12))
    np.testing.assert_allclose(spline_field(lattice, (10, 11, 12), box), whole[box], atol=1e-6)


def test_spline_field_needs_four_controls():
    with pytest.raises(ValueError, match="at least 4"):
        spline_field(np.zeros((3, 4, 4)), (8, 8, 8))


def test_resize_keeps_linear_fields_exact():
    z, y, x = _grid(8)
    ramp = 2 * z - y + 0.5 * x
    z, y, x = _grid(20)
    np.testing.assert_allclose(resize(ramp, (20, 20, 20)), 2 * z - y + 0.5 * x, atol=1e-4)
    box = (slice(3, 9), slice(5, 20), slice(0, 7))
    np.testing.assert_allclose(
        resize(ramp, (20, 20, 20), box), resize(ramp, (20, 20, 20))[box], atol=1e-5
    )


def test_blur_keeps_the_mean_and_lowers_the_spread():
    noise = np.random.default_rng(0).standard_normal((20, 20, 20)).astype(np.float32)
    smooth = blur(noise, 1.0)
    assert smooth.std() < 0.3 * noise.std()
    assert smooth.mean() == pytest.approx(noise.mean(), abs=0.02)


def test_smooth_joins_are_the_plain_ones_away_from_the_fillet():
    a, b = np.float32([0.0, 5.0, 1.0]), np.float32([9.0, -4.0, 1.0])
    np.testing.assert_allclose(smooth_min(a, b, 2.0), [0, -4, 0.5])
    np.testing.assert_allclose(smooth_max(a, b, 2.0), [9, 5, 1.5])


@pytest.mark.parametrize("side", [24, 48])
def test_coverage_measures_the_volume_of_a_sphere(side):
    z, y, x = _grid(side)
    voxel = 40 / side
    share = coverage(ellipsoid(z, y, x, (1, -2, 0.5), (12, 12, 12)), voxel)
    assert share.sum() * voxel**3 == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.01)


def test_ellipsoid_is_exact_for_spheres_and_right_on_the_surface():
    z, y, x = (np.float32([[v]]) for v in (0.0, 0.0, 30.0))
    assert ellipsoid(z, y, x, (0, 0, 0), (20, 20, 20)).item() == pytest.approx(10)
    assert ellipsoid(z, y, x, (0, 0, 0), (5, 10, 30)).item() == pytest.approx(0, abs=1e-4)
    assert ellipsoid(z, y, x, (0, 0, 30), (5, 10, 20)).item() == pytest.approx(-5)


def test_capsule_measures_rods():
    z, y, x = (np.float32([v, w]) for v, w in ((0, 10), (7, 0), (5, 15)))
    distance = capsule(z, y, x, (0, 0, 0), (0, 0, 10), 2, 2)
    np.testing.assert_allclose(distance, [5, np.hypot(10, 5) - 2], rtol=1e-5)


@pytest.mark.parametrize("voxel", [0.5, 3.0, 11.0])
def test_slabs_keep_their_volume_at_any_voxel(voxel):
    centres = ((np.arange(200) - 99.7) * voxel).astype(np.float32)
    assert slab_coverage(centres, 0.8, voxel).sum() * voxel == pytest.approx(1.6, rel=1e-3)
