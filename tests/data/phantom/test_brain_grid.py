"""The work grid and the ways from it to images."""

from dataclasses import replace

import numpy as np
import pytest

from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.brain_grid import (
    FIELD_OF_VIEW_MM,
    SHAPE,
    SPACING,
    Sampler,
    WorkSampler,
    average_to_image,
    axis_positions,
    build_space,
    choose_sampler,
    image_positions,
    slice_box,
)


def test_positions_are_centred() -> None:
    for axis in range(3):
        positions = axis_positions(axis)
        assert len(positions) == SHAPE[axis]
        assert positions.sum() == pytest.approx(0, abs=1e-3)
        assert np.diff(positions) == pytest.approx(SPACING)


def test_pose_turns_and_shifts_the_coordinates() -> None:
    still = replace(
        draw_brain(1, 0),
        axis_ratios=(1.0, 1.0, 1.0),
        rotation_degrees=(0.0, 0.0, 0.0),
        shift_mm=(0.0, 0.0, 0.0),
    )
    rest = build_space(still)
    moved = build_space(replace(still, shift_mm=(2.0, 0.0, -1.0)))
    assert np.allclose(moved.z, rest.z - 2, atol=1e-4)
    assert np.allclose(moved.x, rest.x + 1, atol=1e-4)
    turned = build_space(replace(still, rotation_degrees=(5.0, 0.0, 0.0)))
    # A turn about d keeps d and tilts h against w.
    assert np.allclose(turned.z, rest.z, atol=1e-4)
    slope = np.polyfit(axis_positions(2), (turned.y - rest.y)[40, 48], 1)[0]
    assert abs(slope) == pytest.approx(np.sin(np.deg2rad(5)), abs=1e-3)


def test_boxes_hold_what_they_were_asked_for() -> None:
    for subject in range(6):
        space = build_space(draw_brain(2, subject))
        low, high = (-30.0, -20.0, -30.0), (10.0, 40.0, 30.0)
        held = np.zeros(SHAPE, bool)
        held[space.box(low, high, 0)] = True
        asked = (
            ((space.z > low[0]) & (space.z < high[0]))
            & ((space.y > low[1]) & (space.y < high[1]))
            & ((space.x > low[2]) & (space.x < high[2]))
        )
        assert held[asked].all()


@pytest.mark.parametrize("side", [31, 32, 64, 96])
def test_averaging_keeps_the_integral(side: int) -> None:
    field = np.zeros(SHAPE, np.float32)
    field[20:60, 30:70, 25:50] = np.random.default_rng(0).random((40, 40, 25), np.float32)
    image = average_to_image(field, side, 0.97)
    before = field.sum(dtype=np.float64) * (SPACING * 0.97) ** 3
    after = image.sum(dtype=np.float64) * (FIELD_OF_VIEW_MM / side) ** 3
    assert after == pytest.approx(before, rel=1e-4)


def test_sampling_reproduces_smooth_fields_in_place() -> None:
    d, h, w = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SHAPE), indexing="ij")
    field = d - 2 * h + 0.01 * w * w
    box, positions = image_positions(128, 1.02)
    sampler = Sampler(positions)
    corner = (10, 12, 14)
    part = field[10:40, 12:50, 14:60]
    inner, values = sampler(part, corner)
    pd, ph, pw = (p[s] for p, s in zip(positions, inner, strict=True))
    exact = pd[:, None, None] - 2 * ph[None, :, None] + 0.01 * pw[None, None, :] ** 2
    # The cubic runs out of neighbours in the box's outermost cells.
    core = (slice(3, -3),) * 3
    assert np.abs(values - exact)[core].max() < 1e-2
    assert sampler.shape == tuple(s.stop - s.start for s in box)


def test_coarse_images_are_composed_on_the_work_grid() -> None:
    sampler, voxel = choose_sampler(64, 1.0)
    assert isinstance(sampler, WorkSampler)
    assert voxel == SPACING
    field = np.ones((3, 4, 5), np.float32)
    box, values = sampler(field, (1, 2, 3))
    assert box == slice_box((1, 2, 3), (3, 4, 5)) == (slice(1, 4), slice(2, 6), slice(3, 8))
    assert values is field
    sampler, voxel = choose_sampler(128, 1.1)
    assert isinstance(sampler, Sampler)
    assert voxel == pytest.approx(1.5 / 1.1)
