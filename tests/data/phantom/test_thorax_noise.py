from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import COARSE, place
from hagan.data.phantom.thorax_noise import scanner_noise


def _noise(**change):
    subject = replace(draw_thorax(0, 0), noise_hu=15.0, **change)
    nothing = np.full((COARSE, COARSE, COARSE), 99, np.float32)
    return scanner_noise(subject, place(subject, 64), nothing)


def _neighbours(noise):
    return np.corrcoef(noise[..., 1:].reshape(-1), noise[..., :-1].reshape(-1))[0, 1]


def test_noise_has_its_level_and_grows_inside_the_body():
    subject = replace(draw_thorax(0, 0), noise_hu=15.0)
    assert _noise().std() == pytest.approx(0.7 * 15, rel=0.01)
    body = np.full((COARSE, COARSE, COARSE), -99, np.float32)
    thick = scanner_noise(subject, place(subject, 64), body)
    assert thick.std() == pytest.approx(1.15 * 15, rel=0.01)


def test_smooth_kernels_correlate_neighbours_and_sharp_ones_do_not():
    assert 0.2 < _neighbours(_noise(sharp_kernel=False)) < 0.6
    assert _neighbours(_noise(sharp_kernel=True)) < 0.1
