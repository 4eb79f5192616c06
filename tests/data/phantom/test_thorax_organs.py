import numpy as np
import pytest

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import COARSE, place
from hagan.data.phantom.thorax_organs import BLOOD_HU, LIVER_HU, SPLEEN_HU, organs
from hagan.data.phantom.thorax_shape import solve_chest


@pytest.mark.parametrize("number", range(3))
def test_organs_lie_where_they_belong(number):
    subject = draw_thorax(1, number)
    frame = place(subject, 48)
    chest = solve_chest(subject, frame)
    found = {organ.hu: organ.distance for organ in organs(subject, frame, chest)}
    for distance in found.values():
        assert distance.shape == (COARSE, COARSE, COARSE)
        assert not np.isnan(distance).any()
    lung = chest.lung < -3
    assert not (lung & (found[LIVER_HU] < 0)).any()
    assert not (lung & (found[SPLEEN_HU] < 0)).any()
    assert (found[BLOOD_HU] <= chest.heart + 1e-3).all()
    liver = found[LIVER_HU] < 0
    assert frame.x[liver].mean() < 0
    if (found[SPLEEN_HU] < 0).any():
        assert frame.x[found[SPLEEN_HU] < 0].mean() > 40
