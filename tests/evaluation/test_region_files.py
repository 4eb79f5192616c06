"""Label maps lie where the scan lies, and hold what was measured."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data.made import save_nifti
from hagan.data.morphology import dice
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.scans import find_scans
from hagan.errors import ScanError
from hagan.evaluation.region_files import LABELS, find_regions, write_labels

SIDE = 96
SPACING = np.array([330, 380, 380]) / SIDE


def test_the_map_of_a_chest_is_on_its_grid_and_agrees_with_the_truth(tmp_path: Path) -> None:
    rendered = render_thorax(draw_thorax(11, 3), SIDE, masks=True)
    affine = np.diag([-SPACING[2], -SPACING[1], SPACING[0], 1.0])
    path = save_nifti(tmp_path / "a.nii.gz", rendered.voxels.transpose(2, 1, 0), affine)
    (scan,) = find_scans(path)
    found = find_regions(scan, "ct", 6.0)
    write_labels(tmp_path / "map.nii.gz", found.labels)
    image = nib.load(tmp_path / "map.nii.gz")
    labels = np.asarray(image.dataobj).transpose(2, 1, 0)
    assert labels.dtype == np.uint8
    assert labels.shape == rendered.voxels.shape
    np.testing.assert_allclose(image.affine, scan.read().affine[:, (2, 1, 0, 3)], atol=1e-4)
    values = LABELS["ct"]
    lung = (labels == values["lung"]) | (labels == values["emphysema"])
    assert dice(lung, rendered.masks["lung"] > 0.5) > 0.95
    assert found.sizes["lung"] == pytest.approx(rendered.truth["lung_l"] * 1000, rel=0.06)
    assert set(np.unique(labels)) <= {0, *values.values()}


def test_a_head_and_what_is_no_ct_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    head = rng.uniform(1, 100, (20, 20, 20)).astype(np.float32)
    (scan,) = find_scans(save_nifti(tmp_path / "a.nii.gz", head, np.diag([4.0, 4, 4, 1])))
    for modality, code in (("mr", "E122"), ("ct", "E117")):
        with pytest.raises(ScanError) as caught:
            find_regions(scan, modality, 4.0)
        assert caught.value.code == code
