import numpy as np
import pytest

from hagan.data.phantom.rendered import CalibrationError
from hagan.data.phantom.thorax_tissue import (
    AIR_HU,
    HOLE_HU,
    VESSEL_HU,
    Tissue,
    percent_low,
    solve_emphysema,
)


def _tissue(mean=-870.0, size=20):
    rng = np.random.default_rng(0)
    shape = (size, size, size)
    nothing = np.zeros(shape, np.float32)
    healthy = np.float32(mean) + 15 * rng.standard_normal(shape, dtype=np.float32)
    field = rng.standard_normal(shape, dtype=np.float32)
    return Tissue(healthy, nothing, nothing, nothing, field)


def _solve(tissue, target, noise_hu=10.0):
    shape = tissue.field.shape
    noise = noise_hu * np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    lung, beside = np.ones(shape, np.float32), np.full(shape, 30, np.float32)
    return solve_emphysema(target, tissue, np.ones(shape, bool), lung, beside, noise)


@pytest.mark.parametrize("target", [0.05, 1.0, 8.0, 50.0])
def test_the_target_is_met_with_noise(target):
    solved = _solve(_tissue(), target)
    assert solved.measured == pytest.approx(target, abs=max(0.03 * target, 0.1))


def test_dark_noisy_lungs_are_raised_until_a_small_target_can_be_met():
    solved = _solve(_tissue(-925.0), 0.3, noise_hu=30.0)
    assert solved.raised > 10
    assert solved.measured == pytest.approx(0.3, abs=0.1)
    assert _solve(_tissue(), 8.0).raised == 0


def test_an_impossible_target_fails_loudly():
    tissue = _tissue()
    full = Tissue(tissue.healthy, tissue.vessel + 1, tissue.wall, tissue.lumen, tissue.field)
    with pytest.raises(CalibrationError, match="wanted 20"):
        _solve(full, 20.0)


def test_tissues_mix_by_share():
    one = np.float32([1, 0, 0, 0])
    tissue = Tissue(
        healthy=np.full(4, -850, np.float32),
        vessel=one,
        wall=np.zeros(4, np.float32),
        lumen=np.roll(one, 1),
        field=np.float32([-5, -5, -5, 5]),
    )
    np.testing.assert_allclose(tissue.hu(0.0), [VESSEL_HU, AIR_HU, -850, HOLE_HU])
    assert tissue.destroyed(0.0).tolist() == [0, 0, 0, 1]


def test_stored_values_decide_what_is_low():
    assert percent_low(np.array([-950.4, -950.6, -800.0, -1000.0])) == 50
