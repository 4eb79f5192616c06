from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import tyro
from pydicom import dcmread
from pydicom.dataset import Dataset

from data.made import save_series, save_thorax, thorax
from hagan.cli.main import run
from hagan.cli.prepare import Prepare
from hagan.data.store import Store


def command(*arguments: str | Path) -> Prepare:
    return tyro.cli(Prepare, args=[str(argument) for argument in arguments])


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for number in range(2):
        save_thorax(tmp_path / "scans" / f"s{number}.nii.gz", seed=number)
    return tmp_path / "scans"


def test_it_says_what_was_written_and_what_to_run_next(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    code = command(
        scans, store, "--protocol", "thorax-ct", "--side", "16", "--window", "-1000", "400"
    ).run()
    printed = capsys.readouterr().out
    assert code == 0
    assert "2 done, 0 skipped, 0 failed" in printed
    settings = "--set model.volume_shape=[16,16,16]"
    assert f"hagan train hagan-64 {settings} --store {store} --run RUN" in printed
    opened = Store.open(store)
    assert opened.volume_shape == (16, 16, 16)
    assert opened.config.window == (-1000, 400)


def test_failed_scans_have_a_line_each_and_the_code_says_so(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "bad[1].nii.gz").write_text("a text")
    shape = ("--volume-shape", "16", "24", "32")
    code = command(scans, tmp_path / "store", "--protocol", "thorax-ct", *shape).run()
    lines = capsys.readouterr().out.splitlines()
    assert code == 3
    assert sum(line.startswith("E102 bad[1].nii.gz: ") for line in lines) == 1
    assert any("2 done, 0 skipped, 1 failed" in line for line in lines)
    assert Store.open(tmp_path / "store").volume_shape == (16, 24, 32)


def test_nothing_good_at_all_writes_no_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.nii").write_text("x")
    code = command(tmp_path / "scans", tmp_path / "store", "--protocol", "generic").run()
    printed = capsys.readouterr().out
    assert code == 3
    assert "hagan train" not in printed


@pytest.mark.slow
def test_labels_and_json(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("subject,gold\ns0,1\ns9,2\n")
    common = (scans, tmp_path / "store", "--protocol", "thorax-ct", "--side", "16")
    code = command(*common, "--labels", table, "--label-column", "gold", "--json").run()
    content = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [item["status"] for item in content["results"]] == ["done", "done"]
    assert content["without_row"] == ["s1.nii.gz"]
    assert content["unused_rows"] == ["s9"]
    command(*common, "--labels", table, "--no-isotropic").run()
    printed = capsys.readouterr().out
    assert "1 scans have no row" in printed
    assert "1 rows of the table have no scan" in printed


def test_gaps_and_tilts_are_mended_when_asked_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tilt(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[1] += 0.5 * number

    save_series(tmp_path / "scans" / "tilted", change=tilt)
    gap = save_series(tmp_path / "scans" / "gap", thorax(seed=1))
    next(path for path in gap.iterdir() if dcmread(path).InstanceNumber == 4).unlink()
    shared = (tmp_path / "scans", tmp_path / "store", "--protocol", "thorax-ct", "--side", "16")
    assert command(*shared, "--on-gap", "skip", "--on-tilt", "shear").run() == 0
    printed = capsys.readouterr().out
    assert "tilted: prepared as 0002 (gantry tilt of 11.3 degrees sheared straight)" in printed
    assert "skipped E112 gap: slice gap 5 mm" in printed
    assert "1 done, 1 skipped, 0 failed" in printed
    assert command(*shared).run() == 3


def test_units_are_assumed_when_asked(tmp_path: Path) -> None:
    def strip(data: Dataset, number: int) -> None:
        del data.RescaleSlope, data.RescaleIntercept
        data.PixelRepresentation = 1
        data.PixelData = thorax()[number].tobytes()

    save_series(tmp_path / "scans" / "a", change=strip)
    shared = (tmp_path / "scans", tmp_path / "store", "--protocol", "thorax-ct", "--side", "16")
    assert command(*shared).run() == 3
    assert command(*shared, "--assume-hu").run() == 0


def test_the_body_is_cut_out_and_pictures_are_told(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--protocol", "thorax-ct", "--side", "16", "--crop", "body", "--previews")
    assert command(scans, tmp_path / "store", *flags, tmp_path / "pictures").run() == 0
    assert f"Pictures of the steps: {tmp_path / 'pictures'}" in capsys.readouterr().out
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    assert Store.open(tmp_path / "store").config.crop == "body"


def test_heads_without_the_extra_end_with_one_line_and_exit_2(
    scans: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    arguments = ["prepare", str(scans), str(tmp_path / "store"), "--protocol", "brain-t1"]
    assert run([*arguments, "--from-head"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "hagan[brain]" in line
    assert run([*arguments[:-1], "generic", "--from-head"]) == 2
    assert "--from-head goes with --protocol brain-t1" in capsys.readouterr().err
