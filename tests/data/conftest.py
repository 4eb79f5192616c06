"""Cohorts made on the spot, and the real one beside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.made import save_thorax


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Six thoraxes of six subjects."""
    for number in range(6):
        save_thorax(tmp_path / "scans" / f"sub-{number + 1:02d}_ct.nii.gz", seed=number)
    return tmp_path / "scans"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scans beside the project."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("HAGAN_REAL_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"REAL SCANS ABSENT: {folder} is no folder; set HAGAN_REAL_DATA")
    return folder
