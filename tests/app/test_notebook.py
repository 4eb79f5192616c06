"""The widget of a notebook holds the volume as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data.made import save_thorax, thorax
from hagan.app.notebook import show
from hagan.data.formats import read_scan
from hagan.errors import ScanError, UsageError


def test_the_widget_has_the_voxels_the_window_and_the_name(tmp_path: Path) -> None:
    pytest.importorskip("ipyniivue", reason="needs the extra notebook")
    path = save_thorax(tmp_path / "sub-01.nii.gz")
    for given in (path, str(path), read_scan(path)):
        widget = show(given, window="lung", name="sub-01")
        (held,) = widget.volumes
        assert (held.cal_min, held.cal_max) == (-1350.0, 150.0)
        assert held.name == "sub-01.nii"
        image = nib.Nifti1Image.from_bytes(bytes(held.data))
        np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), thorax())
    assert show(path, window=(0.0, 80.0)).volumes[0].cal_max == 80.0
    with pytest.raises(UsageError, match="no window 'liver'; choose wide, lung"):
        show(path, window="liver")


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.nii.gz").write_text("x")
    pytest.importorskip("ipyniivue", reason="needs the extra notebook")
    with pytest.raises(ScanError, match="E102"):
        show(tmp_path / "bad.nii.gz")
    monkeypatch.setitem(sys.modules, "ipyniivue", None)
    with pytest.raises(UsageError, match=r"hagan\[notebook\]"):
        show(tmp_path / "bad.nii.gz")
