"""`hagan traverse`: volumes along a direction, marked and measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from hagan.cli import main
from hagan.data.store import Store
from hagan.errors import UsageError
from hagan.evaluation.regions import region_sizes
from hagan.inference.export import hash_of, read_manifest, regenerate
from hagan.inference.latent_space import Direction, moved
from hagan.inference.reconstruct import encode
from hagan.inference.sampler import Sampler


def traverse(*arguments: str | Path) -> int:
    return main.run(["traverse", *(str(argument) for argument in arguments)])


def made(run: Path, target: str, seed: int, path: Path) -> Path:
    """A direction of a run's codes, whatever it means."""
    sampler = Sampler.from_run(run)
    rng = np.random.default_rng(seed)
    size = sampler.loaded.model.latent_dim
    Direction(
        target=target,
        unit="ml",
        weights=rng.normal(size=size) * 300,
        intercept=4000.0,
        pattern=rng.normal(size=size),
        quantiles=(3000.0, 3500.0, 4000.0, 4500.0, 5000.0),
        weights_sha256=sampler.loaded.sha256,
        facts={"spreads": {"lung": 600.0, "bone": 90.0, "emphysema": 4.0}},
    ).save(path)
    return path


@pytest.fixture(scope="module")
def lung(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(run, "lung", 1, tmp_path_factory.mktemp("direction") / "lung.npz")


def test_volumes_are_those_of_the_moved_codes(
    run: Path, lung: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    flags = ("--count", "2", "--seed", "4", "--values", "3000", "5000", "4000")
    assert traverse(run, lung, out, *flags) == 0
    assert "Wrote 6 volumes" in capsys.readouterr().out
    manifest = read_manifest(out)
    assert manifest is not None
    assert [row.asked for row in manifest.rows] == [3000, 4000, 5000] * 2
    sampler, direction = Sampler.from_run(run), Direction.load(lung)
    start = sampler.latents(1, seed=4).double().numpy()
    code = moved(start, direction, 5000.0)
    volume = sampler.decode(torch.from_numpy(code.astype(np.float32)))
    row = manifest.row_of("latent-001-02.nii.gz")
    assert row is not None
    assert (row.sha256, row.index, row.seed) == (hash_of(volume), 1, 4)
    with (out / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = region_sizes(volume)
    assert [float(rows[5][name]) for name in sizes] == pytest.approx(list(sizes.values()), rel=1e-5)
    away = np.linalg.norm(code - start) / np.sqrt(code.shape[1])
    assert float(rows[5]["distance"]) == pytest.approx(away, rel=1e-3)
    with pytest.raises(UsageError, match="moved along lung"):
        regenerate(sampler, row)


def test_everything_is_marked_as_synthetic(run: Path, lung: Path, tmp_path: Path) -> None:
    assert traverse(run, lung, tmp_path / "out", "--count", "1", "--steps", "3") == 0
    image = nibabel.load(tmp_path / "out" / "latent-000-01.nii.gz")
    assert b"SYNTHETIC" in image.header["descrip"].item()
    with Image.open(tmp_path / "out" / "traverse.png") as picture:
        assert picture.text["Synthetic"] == "yes"  # type: ignore[attr-defined]
    with Image.open(tmp_path / "out" / "latent-000.gif") as film:
        assert film.n_frames == 4  # type: ignore[attr-defined]
        assert b"SYNTHETIC" in film.info["comment"]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["target"] == "lung"
    assert len(results["steps"]) == 3
    assert set(results["moved_with"]) == {"lung", "bone", "emphysema"}


def test_scans_are_edited_and_stay_patient_data(
    run: Path, lung: Path, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    flags = ("--scans", str(store.path), "--count", "2", "--values", "4000")
    assert traverse(run, lung, out, *flags) == 0
    manifest = read_manifest(out)
    assert manifest is not None
    assert "patient data" in manifest.kind
    assert [row.source for row in manifest.rows] == [e.source for e in store.entries[:2]]
    sampler = Sampler.from_run(run)
    start = encode(sampler, store.load(store.entries[0])).double().numpy()
    code = moved(start, Direction.load(lung), 4000.0)
    volume = sampler.decode(torch.from_numpy(code.astype(np.float32)))
    assert manifest.rows[0].sha256 == hash_of(volume)


def test_what_is_held_stays_as_predicted(run: Path, lung: Path, tmp_path: Path) -> None:
    bone = made(run, "bone", 2, tmp_path / "bone.npz")
    out = tmp_path / "out"
    flags = ("--count", "1", "--values", "4500", "--hold", str(bone), "--along", "weights")
    assert traverse(run, lung, out, *flags) == 0
    sampler = Sampler.from_run(run)
    start = sampler.latents(0, seed=0).double().numpy()
    held = Direction.load(bone)
    code = moved(start, Direction.load(lung), 4500.0, held=[held], along="weights")
    assert held.predict(code) == pytest.approx(held.predict(start))
    manifest = read_manifest(out)
    assert manifest is not None
    volume = sampler.decode(torch.from_numpy(code.astype(np.float32)))
    assert manifest.rows[0].sha256 == hash_of(volume)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--count", "0"], "--count is at least 1"),
        (["--steps", "1"], "--steps at least 2"),
        (["--values", "nan"], "--values are numbers"),
        (["--fold", "0/5"], "go with --scans"),
        (["--label", "1"], "unconditional"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(
    flags: list[str],
    said: str,
    run: Path,
    lung: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert traverse(run, lung, tmp_path / "out", *flags) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_a_direction_of_other_weights_is_refused(
    other_run: Path, lung: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert traverse(other_run, lung, tmp_path / "out") == 2
    assert "fitted for other weights" in capsys.readouterr().err
