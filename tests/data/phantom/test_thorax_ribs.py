from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_ribs import blade_paint, cortical_hu, rib_paint, sternum_paint
from hagan.data.phantom.thorax_shape import solve_chest


@pytest.fixture(scope="module")
def scene():
    subject = replace(draw_thorax(1, 0), pose=(0.0, 0.0, 0.0))
    frame = place(subject, 128)
    chest = solve_chest(subject, frame)
    return subject, frame, chest, frame.fine(chest.cage.distance)


def test_ribs_are_separate_bars_outside_the_pleura(scene):
    subject, frame, chest, distance = scene
    bone, gristle = rib_paint(subject, frame, chest, distance)
    assert bone.bone
    assert not gristle.bone
    assert (distance.reshape(-1)[bone.where][bone.share > 0.5] > 0).all()
    drawn = np.zeros(frame.shape, np.float32)
    drawn.reshape(-1)[bone.where] = bone.share
    _, bars = ndimage.label(drawn > 0.3)
    assert 16 <= bars <= 30
    # A rib falls to the front: the front half of its bones lies lower.
    z, y = frame.fine(frame.z), frame.fine(frame.y)
    labels, _ = ndimage.label(drawn > 0.3)
    longest = labels == np.argmax(np.bincount(labels.reshape(-1))[1:]) + 1
    front = longest & (y < np.median(y[longest]))
    assert z[front].mean() < z[longest & ~front].mean() - 15


def test_marrow_is_softer_than_the_shell(scene):
    subject, frame, chest, distance = scene
    bone, _ = rib_paint(subject, frame, chest, distance)
    assert bone.hu.max() == pytest.approx(cortical_hu(subject), rel=1e-3)
    assert bone.hu.min() < 0.6 * cortical_hu(subject)


def test_the_bone_factor_adds_bone_everywhere(scene):
    subject, frame, chest, distance = scene
    strong = replace(subject, bone=1.3 * subject.bone)
    for draw in (rib_paint, sternum_paint):
        thin, thick = (draw(who, frame, chest, distance)[0] for who in (subject, strong))
        assert thick.share.sum() > 1.02 * thin.share.sum()
    assert cortical_hu(strong) > cortical_hu(subject)


def test_sternum_lies_in_front_and_blades_behind(scene):
    subject, frame, chest, distance = scene
    y, x = frame.fine(frame.y), frame.fine(frame.x)
    sternum = sternum_paint(subject, frame, chest, distance)[0]
    assert (y[sternum.where][sternum.share > 0.5] < 0).all()
    for side, blade in zip((-1, 1), blade_paint(subject, frame, chest, distance), strict=True):
        solid = blade.share > 0.5
        assert np.count_nonzero(solid) > 100
        assert (x[blade.where][solid] * side > 0).all()
        assert y[blade.where][solid].mean() > 30
