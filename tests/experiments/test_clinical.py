"""Table VI, tiny: phantoms, a model that encodes, floors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from hagan.cli import main
from hagan.data.store import Store, fold_of
from hagan.experiments.clinical import MODELS, Source, _predicted
from hagan.experiments.clinical_targets import Target
from hagan.experiments.codes import Codes

FLAGS = (
    *("--models", "gaussian", "--minutes", "0.03", "--phantoms", "40"),
    *("--folds", "2", "--device", "cpu"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clinical")
    assert main.run(["experiment", "clinical", "--out", str(out), *FLAGS]) == 0
    return out


def rows_of(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((out / "clinical/results.json").read_text())["rows"]
    return rows


@pytest.mark.slow
def test_r_squared_is_that_of_an_independent_fit(finished: Path) -> None:
    rows = {(r["features"], r["target"], r["penalty"]): r for r in rows_of(finished)}
    row = rows["gaussian", "log fev1pp", "1e-4 (paper)"]
    store = Store.open(finished / "data/thorax-32")
    truth, said = [], []
    for fold in (0, 1):
        codes = Codes.read(finished / f"codes/thorax/gaussian-tiny-32/fold-{fold}.npz").by_scan
        x = np.stack([codes[e.source] for e in store.entries])
        y = np.log([float(e.covariates["fev1pp"]) for e in store.entries])
        held = np.array([fold_of(e.subject, 5) == fold for e in store.entries])
        model = Ridge(alpha=1e-4).fit(x[~held], y[~held])
        truth.append(y[held])
        said.append(model.predict(x[held]))
        assert row["by_fold"][fold] == pytest.approx(r2_score(truth[-1], said[-1]), rel=1e-4)
    expected = r2_score(np.concatenate(truth), np.concatenate(said))
    assert row["r_squared"] == pytest.approx(expected, rel=1e-4)
    assert row["low"] <= row["r_squared"] <= row["high"]


@pytest.mark.slow
def test_every_source_and_target_has_its_row_and_a_second_call_computes_nothing(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(finished)
    names = ("gaussian", "floor: PCA of the voxels", "floor: random ResNet-10")
    targets = ("log fev1pp", "log ratio", "log laa_percent")
    assert {(r["features"], r["target"]) for r in rows} == {(n, t) for n in names for t in targets}
    kept = {path: path.stat().st_mtime_ns for path in (finished / "answers").rglob("*.json")}
    capsys.readouterr()
    assert main.run(["experiment", "clinical", "--out", str(finished), *FLAGS]) == 0
    assert "done in" not in capsys.readouterr().out
    assert kept == {
        path: path.stat().st_mtime_ns for path in (finished / "answers").rglob("*.json")
    }
    assert rows_of(finished) == rows


@pytest.mark.slow
@pytest.mark.parametrize("fold", range(5))
def test_no_held_out_value_is_fitted_on(finished: Path, fold: int) -> None:
    """Nonsense in the held-out subjects' column changes no prediction."""
    store = Store.open(finished / "data/thorax-32")
    rng = np.random.default_rng(fold)
    features = {entry.source: rng.normal(size=5) for entry in store.entries}
    source = Source("x", fold, lambda: features, {})
    plain = _predicted(store, source, [Target("fev1pp")])["fev1pp"]
    for entry in store.entries:
        if fold_of(entry.subject, 5) == fold:
            entry.covariates["fev1pp"] = 1e9
    odd = _predicted(store, source, [Target("fev1pp")])["fev1pp"]
    assert set(odd["chosen"]["truth"]) == {1e9}
    for penalty in plain:
        assert plain[penalty]["predicted"] == odd[penalty]["predicted"]


def test_a_target_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--models", "wgna", "--minutes", "0.01")
    assert main.run(["experiment", "clinical", "--out", str(tmp_path), *flags]) == 2
    assert "--models wgna" in capsys.readouterr().err
    assert MODELS == ("hagan", "alpha-gan", "vae-gan")
