"""Known transforms are found again, left stays left, and what cannot be is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data.made_head import canonical, small_brain
from hagan.data.registration import Registration, check_registration, register, resample
from hagan.data.volume import Volume
from hagan.errors import ScanError

CORNERS = np.array(
    [[x, y, z, 1.0] for x in (-60, 60) for y in (-75, 75) for z in (-50, 50)], np.float64
)


def known(seed: int) -> np.ndarray:
    """Turns to 20 degrees, scales of 0.85 to 1.15 a side, a little shear, shifts to 25 mm."""
    rng = np.random.default_rng(seed)
    turn = Rotation.from_euler("xyz", rng.uniform(-20, 20, 3), degrees=True).as_matrix()
    shear = np.eye(3) + np.triu(rng.uniform(-0.05, 0.05, (3, 3)), 1)
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ np.diag(rng.uniform(0.85, 1.15, 3))
    affine[:3, 3] = rng.uniform(-25, 25, 3)
    return affine


def scanned(template: Volume, to_scanner: np.ndarray) -> Volume:
    """The template's brain as a scanner would see it that it lies in like this."""
    shape = (88, 96, 80)
    grid = Volume(np.zeros(shape, np.float32), canonical(shape, 2.5))
    return resample(template, np.linalg.inv(to_scanner), grid)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_known_transform_is_found(seed: int) -> None:
    template, _ = small_brain()
    truth = known(seed)
    scan = scanned(template, truth)
    found = register(scan, scan.voxels > 10, template)
    off = np.linalg.norm((CORNERS @ (found.to_scanner - truth).T)[:, :3], axis=1)
    assert off.max() < 2.0, "mm at the corners of the brain's box"
    assert found.overlap > 0.95
    assert found.correlation > 0.95
    check_registration(found, "sub-1")


@pytest.mark.slow
def test_left_stays_left_and_the_same_scan_gives_the_same_bits() -> None:
    template, _ = small_brain()
    scan = scanned(template, known(7))
    found = register(scan, scan.voxels > 10, template)
    back = resample(scan, found.to_scanner, template).voxels
    agrees = np.corrcoef(back.ravel(), template.voxels.ravel())[0, 1]
    mirrored = np.corrcoef(back[:, :, ::-1].ravel(), template.voxels.ravel())[0, 1]
    assert agrees > 0.99
    assert mirrored < agrees - 0.005
    assert np.linalg.det(found.to_scanner) > 0
    again = register(scan, scan.voxels > 10, template)
    np.testing.assert_array_equal(again.to_scanner, found.to_scanner)


@pytest.mark.slow
def test_what_is_around_the_brain_and_brighter_than_it_does_not_count() -> None:
    template, _ = small_brain()
    truth = known(1)
    scan = scanned(template, truth)
    mask = scan.voxels > 10
    bright = np.where(mask, scan.voxels, np.float32(500))
    bright[tuple(np.argwhere(mask)[::999].T)] = 1e5
    found = register(dataclasses.replace(scan, voxels=bright), mask, template)
    off = np.linalg.norm((CORNERS @ (found.to_scanner - truth).T)[:, :3], axis=1)
    assert off.max() < 3.0


def test_resampling_follows_the_transform() -> None:
    shape = (20, 22, 24)
    z, y, x = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in shape), indexing="ij")
    ramp = Volume(3 * z - 2 * y + x, canonical(shape, 2.0), "mr")
    grid = Volume(np.zeros((6, 5, 4), np.float32), canonical((6, 5, 4), 1.5))
    to_scanner = np.eye(4)
    to_scanner[:3, :3] = Rotation.from_euler("z", 10, degrees=True).as_matrix()
    to_scanner[:3, 3] = 1, -2, 3
    out = resample(ramp, to_scanner, grid)
    for index in ((0, 0, 0), (5, 4, 3), (2, 3, 1)):
        world = to_scanner @ grid.affine @ [*index, 1]
        d, h, w, _ = np.linalg.solve(ramp.affine, world)
        assert out.voxels[index] == pytest.approx(3 * d - 2 * h + w, abs=1e-3)
    np.testing.assert_array_equal(out.affine, grid.affine)
    assert out.modality == "mr"
    to_scanner[:3, 3] = 1000
    assert not resample(ramp, to_scanner, grid).voxels.any()


def turned(degrees: float) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    return affine


@pytest.mark.parametrize(
    ("to_scanner", "overlap", "correlation", "said"),
    [
        (np.diag([-1.0, 1, 1, 1]), 0.95, 0.9, "left and right"),
        (np.diag([1.0, 2, 1, 1]), 0.95, 0.9, "grow by 0.50"),
        (np.diag([0.5, 1.0, 1, 1]), 0.95, 0.9, "grow by 1.00 to 2.00"),
        (turned(75), 0.95, 0.9, "turn by 75 degrees"),
        (np.eye(4), 0.7, 0.9, "overlap by 0.70"),
        (np.eye(4), 0.95, 0.3, "correlate by 0.30"),
        (np.eye(4), 0.95, float("nan"), "correlate by nan"),
    ],
)
def test_what_no_head_needs_is_refused(
    to_scanner: np.ndarray, overlap: float, correlation: float, said: str
) -> None:
    with pytest.raises(ScanError, match=said) as caught:
        check_registration(Registration(to_scanner, overlap, correlation), "sub-1")
    assert caught.value.code == "E125"
    assert "sub-1: " in str(caught.value)


def test_what_a_head_needs_passes() -> None:
    check_registration(Registration(turned(40) * np.array([1.1, 0.9, 1, 1]), 0.9, 0.8), "sub-1")
