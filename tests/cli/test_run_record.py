"""A run folder says what it is and how to go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hagan.cli.run_record import open_store, same_inputs, write_inputs
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.data.store import Store
from hagan.errors import BadInputError, UsageError

CONFIG = replace(recipe("hagan-tiny-32"), fold="0/5")


def begun(store: Store, folder: Path) -> RunDir:
    run = RunDir(folder)
    write_inputs(run, CONFIG, store, same_inputs(run, CONFIG, store))
    return run


def test_a_page_says_what_the_folder_is_and_what_to_do_next(store: Store, tmp_path: Path) -> None:
    run = begun(store, tmp_path / "run")
    text = (run.path / "README.txt").read_text()
    assert f"A run of hagan: hagan-tiny-32, on 6 scans of {store.path}, all but fold 0/5." in text
    assert f"hagan generate {run.path} OUT" in text
    for name in ("config.json", "inputs.json"):
        assert name in text
        assert (run.path / name).is_file()


def test_a_run_remembers_its_store_and_takes_no_other_settings(
    store: Store, tmp_path: Path
) -> None:
    run = begun(store, tmp_path / "run")
    assert open_store(None, run).path == store.path.resolve()
    longer = replace(CONFIG, training=replace(CONFIG.training, steps=7))
    same_inputs(run, longer, store)
    with pytest.raises(UsageError, match=r"begun with other settings .*seed was 0, is 1"):
        same_inputs(run, replace(CONFIG, training=replace(CONFIG.training, seed=1)), store)


def test_other_scans_are_refused(store: Store, tmp_path: Path) -> None:
    run = begun(store, tmp_path / "run")
    inputs = json.loads((run.path / "inputs.json").read_text())
    inputs["scans"][0] = "0001:" + "0" * 64
    (run.path / "inputs.json").write_text(json.dumps(inputs))
    with pytest.raises(UsageError, match="begun on other scans"):
        same_inputs(run, CONFIG, store)
    (run.path / "inputs.json").write_text("[]")
    with pytest.raises(BadInputError, match=r"inputs\.json: not readable"):
        open_store(None, run)
