"""`hagan regions`: one label map a scan, one table, and no scan lost silently."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.cli.main import run as command
from hagan.data.phantom.cohort import write_cohort


def test_maps_and_a_table_beside_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    members = write_cohort("thorax", scans, count=2, side=48, seed=5, workers=1)
    (scans / "bad.nii.gz").write_text("x")
    arguments = ["regions", str(scans), str(out), "--protocol", "thorax-ct"]
    assert command(arguments) == 3
    printed = capsys.readouterr().out
    assert "E102 bad.nii.gz: " in printed
    assert "Wrote 2 label maps (1 lung, 2 emphysema, 3 airways, 4 bone)" in printed
    with (out / "regions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(members) == 2
    with (scans / "truth.csv").open() as stream:
        truth = list(csv.DictReader(stream))
    for row, true in zip(rows, truth, strict=True):
        assert float(row["lung ml"]) == pytest.approx(1000 * float(true["lung_l"]), rel=0.06)
        image = nib.load(out / row["scan"].replace(".nii.gz", "-regions.nii.gz"))
        assert set(np.unique(np.asarray(image.dataobj))) <= {0, 1, 2, 3, 4}
        assert image.shape == nib.load(scans / row["scan"]).shape


def test_voxels_have_a_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["regions", str(tmp_path), str(tmp_path / "out"), "--protocol", "brain-t1"]
    assert command([*arguments, "--voxel-mm", "0"]) == 2
    assert "--voxel-mm is above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
