from __future__ import annotations

from pathlib import Path

import pytest

from data.made import save_thorax
from hagan.data.matching import match_masks, starts_with
from hagan.data.scans import Fault, Scan, find_scans


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("sub-10_T1w", "sub-10", True),
        ("sub-10_T1w", "sub-1", False),
        ("sub-1", "sub-1", True),
        ("anna", "ann", False),
        ("123abc", "123", True),
        ("IXI012-HH-1211_T1", "IXI012-HH-1211", True),
        ("anything", "", False),
    ],
)
def test_a_start_cuts_neither_a_number_nor_a_word(name: str, start: str, expected: bool) -> None:
    assert starts_with(name, start) is expected


def test_masks_go_to_the_scan_with_the_longest_name(tmp_path: Path) -> None:
    for name in ("s1_T1", "s1_T1_run2", "s10_T1", "s3_T1", "s4_T1", "s5_T1"):
        save_thorax(tmp_path / "scans" / f"{name}.nii.gz")
    masks = ("s1_T1_mask", "s1_T1_run2_mask", "s10_T1", "s4_T1_a", "s4_T1_b", "s5_brain")
    for name in masks:
        save_thorax(tmp_path / "masks" / f"{name}.nii.gz")
    scans = find_scans(tmp_path / "scans")
    matched = match_masks(scans, tmp_path / "masks")
    named = {
        name: mask.code if isinstance(mask, Fault) else mask.name for name, mask in matched.items()
    }
    assert named == {
        "s1_T1.nii.gz": "s1_T1_mask.nii.gz",
        "s1_T1_run2.nii.gz": "s1_T1_run2_mask.nii.gz",
        "s10_T1.nii.gz": "s10_T1.nii.gz",
        "s3_T1.nii.gz": "E121",
        "s4_T1.nii.gz": "E121",
        "s5_T1.nii.gz": "E121",
    }


def test_a_mask_may_share_only_the_subject(tmp_path: Path) -> None:
    save_thorax(tmp_path / "scans" / "sub-01_T1w.nii.gz")
    save_thorax(tmp_path / "masks" / "sub-01_brainmask.nii.gz")
    (mask,) = match_masks(find_scans(tmp_path / "scans"), tmp_path / "masks").values()
    assert isinstance(mask, Scan)
