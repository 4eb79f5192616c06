"""Deep structures: where they lie and how ventricles and hippocampi grow."""

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_deep import Deep, build_deep
from hagan.data.phantom.brain_grid import SPACING, Space, build_space
from hagan.data.phantom.brain_hindbrain import build_hindbrain
from hagan.data.phantom.brain_hull import build_outline

_UNIT_ML = SPACING**3 / 1000


@pytest.fixture(scope="module")
def space() -> Space:
    return build_space(draw_brain(1, 0))


@pytest.fixture(scope="module")
def deep(space: Space) -> Deep:
    subject = draw_brain(1, 0)
    hull = build_outline(space, build_hindbrain(subject, space)).hull
    return build_deep(subject, space, hull)


def test_volumes_of_the_nuclei_are_near_their_norms(deep: Deep) -> None:
    norms = {"thalami": 15.6, "putamina": 8.0, "caudates": 6.0, "amygdalae": 2.0}
    found = {s.name: float((s.distance < 0).sum()) * _UNIT_ML for s in deep.solids}
    for name, norm in norms.items():
        assert found[name] == pytest.approx(norm, rel=0.35), name


def test_ventricles_and_hippocampi_grow_with_girth(deep: Deep) -> None:
    for distance in (deep.ventricle_distance, deep.hippocampus_distance):
        volumes = [float((distance(g) < 0).sum()) * _UNIT_ML for g in (0.5, 0.9, 1.4, 2.0, 3.0)]
        assert np.diff(volumes).min() > 0
    assert volumes[0] < 5


def test_ventricles_spare_septum_callosum_and_hippocampi(deep: Deep, space: Space) -> None:
    walled = deep.beside_hippocampi(1.1)
    inside = walled.ventricle_distance(2.5) < 0
    assert (np.abs(space.x[deep.ventricles.box])[inside] > 0.7).all()
    solid = np.zeros(space.x.shape, bool)
    for distance, box in (
        (deep.hippocampus_distance(1.1), deep.hippocampi.box),
        *((s.distance, _box(s.distance, s.corner)) for s in deep.solids if s.name == "callosum"),
    ):
        solid[box] |= distance < 0
    assert not (solid[deep.ventricles.box] & inside).any()


def _box(field: np.ndarray, corner: tuple[int, int, int]) -> tuple[slice, ...]:
    return tuple(slice(c, c + n) for c, n in zip(corner, field.shape, strict=True))


def test_large_ventricles_push_the_nuclei_sideways(space: Space, deep: Deep) -> None:
    subject = replace(draw_brain(1, 0), ventricles_ml=60.0)
    wide = build_deep(subject, space, deep.hull)

    def offset(parts: Deep) -> float:
        caudate = next(s for s in parts.solids if s.name == "caudates")
        side = np.abs(space.x[_box(caudate.distance, caudate.corner)])
        return float(side[caudate.distance < 0].mean())

    assert offset(wide) > offset(deep) + 0.5


def test_third_ventricle_has_about_the_volume_asked_for(deep: Deep) -> None:
    third = next(c for c in deep.cisterns if c.name == "third")
    covered = np.clip(0.5 - third.distance / SPACING, 0, 1).sum() * _UNIT_ML
    assert covered == pytest.approx(draw_brain(1, 0).third_ventricle_ml, rel=0.5)
