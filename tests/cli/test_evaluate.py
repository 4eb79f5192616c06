"""`hagan evaluate`: stores, runs, anybody's folders and feature files, judged or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.made import body, write_foreign
from hagan.cli import main
from hagan.data.store import Store
from hagan.networks.resnet import ResNet

QUICK = ("--extractors", "random-resnet10", "--resamples", "5")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hagan.evaluation.inception_score.has_imagenet_classifier", lambda: False)


def evaluate(*arguments: Path | str) -> int:
    return main.run(["evaluate", *(str(item) for item in arguments), *QUICK])


def results(out: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / "results.json").read_text())
    return content


def named(out: Path, name: str) -> dict[str, dict[str, dict[str, float]]]:
    sets = results(out)["sets"]
    assert isinstance(sets, list)
    (found,) = [item for item in sets if item["name"] == name]
    scores: dict[str, dict[str, dict[str, float]]] = found["scores"]
    return scores


@pytest.mark.slow
def test_two_foreign_folders_are_judged_without_any_format_of_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = write_foreign(tmp_path / "real", range(12))
    fake = write_foreign(tmp_path / "fake", range(50, 58))
    out = tmp_path / "out"
    assert evaluate(fake, "--real", real, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "6 volumes a set against 6 real ones" in printed
    assert "split by subject: 6 are the reference, 6 give the floor" in printed
    assert "Inception Score: unavailable" in printed
    names = ("report.html", "results.csv", "results.md", "samples.png", "fid.png")
    for name in (*names, "mds-random-resnet10.png"):
        assert (out / name).stat().st_size > 500, name
    scores = named(out, "fake")
    assert scores["random-resnet10"]["fid"]["floor"] > 0
    assert 0.5 < scores["volumes"]["sharpness"]["value"] < 2
    assert len(list((out / "features" / "random-resnet10").glob("*.npz"))) == 9


@pytest.mark.slow
def test_worse_volumes_score_worse_side_by_side(tmp_path: Path) -> None:
    real = write_foreign(tmp_path / "real", range(12))
    good = write_foreign(tmp_path / "good", range(50, 56))
    flat = tmp_path / "flat"
    flat.mkdir()
    import nibabel as nib

    for seed in range(6):
        voxels = np.where(body(seed) > -1, 300, 100).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.diag([3.0, 3, 3, 1])), flat / f"{seed}.nii.gz")
    out = tmp_path / "out"
    assert evaluate(flat, good, "--real", real, "--out", out, "--no-anchors") == 0
    assert (
        named(out, "flat")["random-resnet10"]["fid"]["value"]
        > 2 * named(out, "good")["random-resnet10"]["fid"]["value"]
    )
    assert named(out, "flat")["volumes"]["sharpness"]["value"] < 0.6


@pytest.mark.slow
def test_a_run_is_judged_against_the_fold_of_its_store(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    flags = ("--fold", "0/2", "--out", out, "--count", "3", "--no-anchors", "--json")
    assert evaluate(run, "--real", store.path, *flags) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == results(out)
    scores = named(out, run.name)
    assert "memorised" in scores["random-resnet10"] or len(store.entries) < 10
    assert {item["n"] for item in printed["sets"]} == {3}
    facts = printed["fingerprints"][scores["volumes"]["sharpness"]["fingerprint"]]
    assert facts["window"] == "-1024 to 600"


@pytest.mark.slow
def test_what_hagan_generate_wrote_is_judged_like_the_run_itself(
    run: Path, store: Store, tmp_path: Path
) -> None:
    assert main.run(["generate", str(run), str(tmp_path / "files"), "--count", "3"]) == 0
    flags = ("--fold", "0/2", "--count", "3", "--no-anchors")
    for source in (run, tmp_path / "files"):
        assert evaluate(source, "--real", store.path, "--out", tmp_path / "o", *flags) == 0
    hashes = {
        item["sha256"]
        for item in results(tmp_path / "o")["sets"]  # type: ignore[attr-defined]
        if item["name"] == "files"
    }
    assert len(hashes) == 1
    assert evaluate(run, "--real", store.path, "--out", tmp_path / "o", *flags) == 0
    (of_run,) = [
        item["sha256"]
        for item in results(tmp_path / "o")["sets"]  # type: ignore[attr-defined]
        if item["name"] == run.name
    ]
    assert hashes == {of_run}


@pytest.mark.slow
def test_a_second_call_takes_features_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write_foreign(tmp_path / "real", range(6))
    fake = write_foreign(tmp_path / "fake", range(50, 53))
    flags = ("--real", real, "--out", tmp_path / "out", "--no-anchors")
    assert evaluate(fake, *flags) == 0
    first = results(tmp_path / "out")
    from hagan.evaluation.extractors import Extractor

    def refuse(self: Extractor, volume: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(Extractor, "__call__", refuse)
    assert evaluate(fake, *flags) == 0
    second = results(tmp_path / "out")
    assert first["sets"] == second["sets"]


@pytest.mark.slow
def test_features_of_a_report_are_a_side_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = write_foreign(tmp_path / "real", range(12))
    fake = write_foreign(tmp_path / "fake", range(50, 56))
    assert evaluate(fake, "--real", real, "--out", tmp_path / "o", "--no-anchors") == 0
    features = tmp_path / "o" / "features" / "random-resnet10"
    assert (
        evaluate(
            features / "fake.npz",
            *("--real", features / "real.npz", "--preset", "monai", "--out", tmp_path / "m"),
        )
        == 0
    )
    again = named(tmp_path / "m", "fake")["given features"]["fid"]["value"]
    assert again == pytest.approx(named(tmp_path / "o", "fake")["random-resnet10"]["fid"]["value"])
    assert "given features" in capsys.readouterr().out


@pytest.mark.slow
def test_the_authors_definitions_by_name(tmp_path: Path) -> None:
    weights = tmp_path / "resnet_10.pth"
    state = {f"module.{name}": value for name, value in ResNet(10).state_dict().items()}
    torch.save({"state_dict": state}, weights)
    real = write_foreign(tmp_path / "real", range(5))
    train = write_foreign(tmp_path / "train", range(20, 26))
    fake = write_foreign(tmp_path / "fake", range(50, 54))
    arguments = ["evaluate", str(fake), "--real", str(real), "--train", str(train)]
    flags = ["--preset", "ha-gan", "--med3d", str(weights), "--out", str(tmp_path / "out")]
    assert main.run([*arguments, *flags, "--no-anchors"]) == 0
    scores = named(tmp_path / "out", "fake")["med3d-resnet10"]
    assert set(scores) == {"fid", "mmd", "mmd_biased"}
    assert (scores["fid"]["n_fake"], scores["fid"]["n_real"]) == (4, 5)
    facts = results(tmp_path / "out")["fingerprints"][scores["mmd"]["fingerprint"]]  # type: ignore[index]
    assert facts["metric.offset"] == 1e-5
    assert facts["extractor.normalisation"] == "raw"
    floor = named(tmp_path / "out", "floor: other real volumes")["med3d-resnet10"]
    assert floor["fid"]["n_fake"] == 6, "all training volumes, as the authors' floor"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "hagan evaluate FAKE --real REAL"),
        (("absent", "--real", "real"), 3, "does not exist"),
        (("real", "--real", "real", "--extractors", "vgg"), 2, "no extractor is called 'vgg'"),
        (("real", "--real", "real", "--extractors", "med3d"), 2, "--med3d resnet_50.pth"),
        (("real", "--real", "real", "--fold", "0/5"), 2, "--fold needs a store"),
        (("real", "--real", "real", "--count", "1"), 2, "count must be at least 2"),
        (("real", "--real", "real", "--train", "real", "--fold", "0/5"), 2, "not both"),
        (("small", "--real", "real"), 3, "shapes differ: expected 32 x 32 x 32, but small has 2"),
        (("one", "--real", "real"), 3, "one has 1 volume"),
        (("blank", "--real", "real"), 3, "none of 1 scans can be judged"),
    ],
)
def test_wrong_input_is_one_line_and_a_code(
    arguments: tuple[str, ...],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_foreign(tmp_path / "real", range(6))
    write_foreign(tmp_path / "small", range(2), side=16)
    write_foreign(tmp_path / "one", range(1))
    (tmp_path / "blank").mkdir()
    np.save(tmp_path / "blank" / "a.npy", np.zeros((32, 32, 32), np.float32))
    # The first flag wins over those of QUICK where both name extractors.
    extra = () if "--extractors" in arguments else QUICK
    assert main.run(["evaluate", *arguments, "--no-anchors", *extra]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


@pytest.mark.slow
def test_volumes_that_fail_are_named_and_the_rest_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = write_foreign(tmp_path / "real", range(8))
    fake = write_foreign(tmp_path / "fake", range(50, 54))
    (fake / "half.nii.gz").write_bytes(b"\x1f\x8b no")
    assert evaluate(fake, "--real", real, "--out", tmp_path / "out", "--no-anchors") == 0
    printed = capsys.readouterr().out
    assert re.search(r"! fake: left out E10\d half", printed)
    warnings = results(tmp_path / "out")["warnings"]
    assert isinstance(warnings, list)
    assert any("left out" in text for text in warnings)


def test_a_folder_with_something_else_is_not_written_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    real = write_foreign(tmp_path / "real", range(4))
    assert evaluate(real, "--real", real, "--out", tmp_path / "out") == 2
    assert "holds other files" in capsys.readouterr().err
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["thesis.txt"]
