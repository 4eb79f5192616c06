"""`hagan direction`: a fitted direction in a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.made import save_nifti
from hagan.cli import main
from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.store import Store
from hagan.evaluation.regions import region_sizes
from hagan.evaluation.regression import fit_ridge
from hagan.inference.latent_space import Direction
from hagan.inference.reconstruct import encode
from hagan.inference.sampler import Sampler, to_volume


def direction(*arguments: str | Path) -> int:
    return main.run(["direction", *(str(argument) for argument in arguments)])


def test_a_column_is_fitted_on_the_codes_of_all_scans(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ages = {entry.id: 40.0 + 3 * number for number, entry in enumerate(store.entries)}
    store = with_column(store, tmp_path, "age", ages)
    out = tmp_path / "new" / "age.npz"
    assert direction(run, store.path, out, "--target", "age", "--penalty", "0.5") == 0
    assert "Fitted age on 6 codes" in capsys.readouterr().out
    sampler = Sampler.from_run(run)
    codes = np.stack(
        [encode(sampler, store.load(entry))[0].double().numpy() for entry in store.entries]
    )
    fit = fit_ridge(codes, np.array(list(ages.values())), 0.5)
    found = Direction.load(out)
    np.testing.assert_allclose(found.weights, fit.weights, rtol=1e-10)
    centred = codes - codes.mean(axis=0)
    np.testing.assert_allclose(found.pattern, np.cov(codes.T, bias=True) @ fit.weights, atol=1e-10)
    assert centred.shape[1] == len(found.weights)
    assert (found.target, found.unit) == ("age", "")
    assert found.quantiles[2] == pytest.approx(np.median(list(ages.values())))
    assert found.weights_sha256 == sampler.loaded.sha256


def test_a_region_is_measured_on_the_median_grid(run: Path, store: Store, tmp_path: Path) -> None:
    assert direction(run, store.path, tmp_path / "lung.npz", "--target", "lung") == 0
    found = Direction.load(tmp_path / "lung.npz")
    sampler = Sampler.from_run(run)
    sizes = [
        region_sizes(to_volume(store.load(entry), sampler.geometry))["lung"]
        for entry in store.entries
    ]
    assert found.unit == "ml"
    assert found.quantiles[2] == pytest.approx(np.median(sizes))
    assert found.facts["spreads"]["lung"] == pytest.approx(np.std(sizes))


def test_held_out_subjects_are_not_fitted_on(run: Path, store: Store, tmp_path: Path) -> None:
    """Nonsense in their column changes their R2 and nothing else."""
    fold = Fold(0, 2)
    held = {entry.id for entry in VolumeDataset(store, fold, "held-out").entries}
    assert 2 <= len(held) <= 3
    ages = {entry.id: 40.0 + 3 * number for number, entry in enumerate(store.entries)}
    nonsense = {
        id_: -1e6 * (1 + n) if id_ in held else age for n, (id_, age) in enumerate(ages.items())
    }
    found = []
    for name, values in (("a", ages), ("b", nonsense)):
        other = with_column(store, tmp_path / name, "age", values)
        out = tmp_path / f"{name}.npz"
        assert direction(run, other.path, out, "--target", "age", "--fold", "0/2") == 0
        found.append(Direction.load(out))
    np.testing.assert_array_equal(found[0].weights, found[1].weights)
    assert found[0].facts["scans"] == len(ages) - len(held)
    assert found[0].facts["r_squared_held_out"] != found[1].facts["r_squared_held_out"]


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--target", "weight"], 2, "neither a region (lung, bone, emphysema) nor a column"),
        (["--target", "lung", "--penalty", "-1"], 2, "--penalty -1.0 must be at least 0"),
        (["--target", "lung", "--fold", "9"], 2, "0/5"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    flags: list[str],
    code: int,
    said: str,
    run: Path,
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert direction(run, store.path, tmp_path / "a.npz", *flags) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "a.npz").exists()


def test_text_is_no_quantity(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = with_column(store, tmp_path, "sex", {entry.id: "F" for entry in store.entries})
    assert direction(run, store.path, tmp_path / "a.npz", "--target", "sex") == 2
    assert "'F', not a number" in capsys.readouterr().err


def test_a_model_without_an_encoder_is_refused(
    run_without_encoder: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert direction(run_without_encoder, store.path, tmp_path / "a.npz", "--target", "lung") == 2
    assert "has no encoder" in capsys.readouterr().err


def test_scans_without_a_value_are_left_out_and_told(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ages = {entry.id: 40.0 + n for n, entry in enumerate(store.entries) if n != 2}
    store = with_column(store, tmp_path, "age", ages)
    assert direction(run, store.path, tmp_path / "a.npz", "--target", "age", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scans"] == 5


def with_column(
    store: Store, folder: Path, name: str, values: dict[str, float] | dict[str, str]
) -> Store:
    """A copy of a store whose table has a column."""
    import dataclasses
    import shutil

    copy = folder / "store"
    shutil.copytree(store.path, copy)
    opened = Store.open(copy)
    entries = [
        dataclasses.replace(
            entry,
            covariates={
                **entry.covariates,
                **({name: values[entry.id]} if entry.id in values else {}),
            },
        )
        for entry in opened.entries
    ]
    return opened.with_entries(entries)


def test_label_maps_in_any_grid_tell_volumes(
    run: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = []
    for number, entry in enumerate(store.entries[:-1]):
        labels = np.zeros((9, 8, 7), np.int16)
        labels[:, :, 0].flat[: 5 + 3 * number] = 51
        labels[:, :, 1].flat[:4] = 7
        name = Path(entry.source).name.removesuffix(".nii.gz")
        save_nifti(tmp_path / "maps" / f"{name}_seg.nii.gz", labels, np.diag([2.0, 3, 4, 1]))
        expected.append((5 + 3 * number) * 24 / 1000)
    flags = ("--target", "ventricles", "--maps", str(tmp_path / "maps"), "--labels", "51")
    assert direction(run, store.path, tmp_path / "a.npz", *flags) == 0
    said = capsys.readouterr()
    assert "E121" in said.err
    assert "(1 scans have no value)" in said.out
    found = Direction.load(tmp_path / "a.npz")
    assert (found.unit, found.facts["scans"]) == ("ml", 5)
    assert found.quantiles[2] == pytest.approx(np.median(expected))
