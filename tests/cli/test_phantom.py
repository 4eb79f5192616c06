"""`hagan phantom`: a cohort and the next command, which works."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from hagan.cli import main
from hagan.data.store import Store


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thorax", "brain"])
def test_the_next_command_prepares_the_cohort(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "phantoms"
    assert (
        main.run(["phantom", kind, str(out), "--count", "2", "--side", "32", "--workers", "1"]) == 0
    )
    printed = capsys.readouterr().out
    assert f"Wrote 2 {kind} phantoms of 32 x 32 x 32 voxels" in printed
    command = shlex.split(printed.rpartition("Next: hagan ")[2])
    command[command.index("STORE")] = str(tmp_path / "store")
    assert main.run([*command, "--workers", "1"]) == 0
    assert "2 done, 0 skipped, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--count", "0"], "--count is at least 1"),
        (["--side", "16"], "between 32 and 512"),
        (["--workers", "0"], "--workers is at least 1"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_flags_that_cannot_be_are_refused_before_anything_is_written(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["phantom", "thorax", str(tmp_path / "out"), *flags]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["thorax", "brain"])
def test_a_dicom_cohort_is_prepared_like_a_nifti_one(kind: str, tmp_path: Path) -> None:
    protocol = "thorax-ct" if kind == "thorax" else "brain-t1"
    stores = []
    for name in ("nifti", "dicom"):
        out, store = tmp_path / name, tmp_path / f"store-{name}"
        flags = ["--count", "2", "--side", "32", "--workers", "1", "--format", name]
        assert main.run(["phantom", kind, str(out), *flags]) == 0
        labels = ["--labels", str(out / "truth.csv"), "--workers", "1"]
        command = ["prepare", str(out), str(store), "--protocol", protocol, "--side", "32"]
        assert main.run([*command, *labels]) == 0
        stores.append(Store.open(store))
    one, other = stores
    assert [e.subject for e in one.entries] == [e.subject for e in other.entries]
    assert [e.covariates for e in one.entries] == [e.covariates for e in other.entries]
    for a, b in zip(one.entries, other.entries, strict=True):
        np.testing.assert_allclose(one.load(a), other.load(b), atol=1e-3)
        np.testing.assert_allclose(a.spacing, b.spacing, rtol=1e-6)


def test_an_interrupted_dicom_cohort_is_gone_on_with(tmp_path: Path) -> None:
    flags = ["--side", "32", "--workers", "1", "--format", "dicom"]
    assert main.run(["phantom", "thorax", str(tmp_path / "a"), "--count", "1", *flags]) == 0
    first = (tmp_path / "a" / "thorax-0000" / "0001.dcm").read_bytes()
    assert main.run(["phantom", "thorax", str(tmp_path / "a"), "--count", "2", *flags]) == 0
    # UIDs are new at each writing, so equal bytes were not written again.
    assert (tmp_path / "a" / "thorax-0000" / "0001.dcm").read_bytes() == first
    assert (tmp_path / "a" / "thorax-0001").is_dir()
