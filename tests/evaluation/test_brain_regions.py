"""Brain and ventricles against the truth of phantoms, and on real brains where there are any."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hagan.data.formats import read_scan
from hagan.data.morphology import dice
from hagan.data.phantom.brain import render_brain
from hagan.data.phantom.brain_cohort import draw_brain
from hagan.evaluation.brain_regions import brain_regions, fluid_threshold
from hagan.evaluation.traversal import spearman

SIDE = 64
SPACING = (192 / SIDE,) * 3


@pytest.mark.slow
def test_ventricles_and_brain_agree_with_the_truth() -> None:
    found, truth = [], []
    for number in range(6):
        rendered = render_brain(draw_brain(4, number), SIDE, masks=True)
        masks = brain_regions(rendered.voxels.astype(np.float32), SPACING)
        voxel_ml = float(np.prod(SPACING)) / 1000
        assert dice(masks["ventricles"], rendered.masks["ventricles"] > 0.5) > 0.7
        tissue = rendered.masks["gm"] + rendered.masks["wm"]
        assert dice(masks["brain"], tissue > 0.5) > 0.9
        found.append([masks[name].sum() * voxel_ml for name in ("ventricles", "brain")])
        truth.append([rendered.truth[name] for name in ("ventricles_ml", "brain_ml")])
    for column in (0, 1):
        assert spearman(np.array(found)[:, column], np.array(truth)[:, column]) > 0.9


def made_head(ventricle: bool) -> np.ndarray:
    """A ball of grey and white matter, with sulci and perhaps a hole in the middle."""
    axes = np.ix_(*[(np.arange(64) - 31.5) * 3.0] * 3)
    away = np.sqrt(sum(axis**2 for axis in axes))
    head = np.where(away < 70, 1.0, 0.0)
    head[(away < 70) & (away > 55)] = 0.7
    head[:, :, 31:33][(away > 58)[:, :, 31:33]] = 0.0  # the midline fissure
    if ventricle:
        head[away < 12] = 0.3
    return head.astype(np.float32)


def test_fluid_of_sulci_is_no_ventricle() -> None:
    spacing = (3.0, 3.0, 3.0)
    assert not brain_regions(made_head(ventricle=False), spacing)["ventricles"].any()
    found = brain_regions(made_head(ventricle=True), spacing)["ventricles"]
    volume = found.sum() * 0.027
    assert volume == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.15)


def test_the_scale_of_intensities_does_not_matter() -> None:
    head = made_head(ventricle=True)
    one, other = (brain_regions(head * factor, (3.0, 3.0, 3.0)) for factor in (1.0, 250.0))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_nothing_is_found_in_nothing() -> None:
    found = brain_regions(np.zeros((16, 16, 16), np.float32), (6.0, 6.0, 6.0))
    assert not any(mask.any() for mask in found.values())


@pytest.mark.parametrize(("voxel", "expected"), [(1, 0.5), (3, 0.5), (6, 0.6), (12, 0.6)])
def test_fluid_has_a_higher_threshold_in_large_voxels(voxel: float, expected: float) -> None:
    assert fluid_threshold((voxel, voxel, voxel)) == pytest.approx(expected)


@pytest.mark.real
@pytest.mark.slow
def test_ventricles_of_real_brains_rank_as_their_maps_say(real_data: Path) -> None:
    scans = sorted((real_data / "brain_t1/ixi_2mm").glob("*_T1.nii.gz"))[::10]
    labels = real_data / "brain_labels"
    with (labels / "ixi_2mm_dlmuse_volumes_mm3.csv").open(newline="") as file:
        volumes = {row["subject"]: row for row in csv.DictReader(file)}
    found, expected = [], []
    for path in scans:
        name = path.name.removesuffix("_T1.nii.gz")
        volume = read_scan(path)
        mask = read_scan(labels / "ixi_2mm_dlmuse" / f"{name}_T1_DLMUSE.nii.gz").voxels > 0
        masks = brain_regions(np.where(mask, volume.voxels, 0), volume.spacing)
        found.append(masks["ventricles"].sum() * float(np.prod(volume.spacing)))
        # Third, inferior and lateral ventricles.
        regions = ("4", "49", "50", "51", "52")
        expected.append(sum(float(volumes[name][region]) for region in regions))
    assert spearman(np.array(found), np.array(expected)) > 0.8
