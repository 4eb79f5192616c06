"""index.json: what is written is read back, whole, and anything else is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hagan.config.data import PrepareConfig
from hagan.data.index import FORMAT, INDEX, Index, StoreEntry, in_order
from hagan.data.placement import Window, as_rows
from hagan.errors import BadInputError, DiskError


def entry(id_: str, **changes: Any) -> StoreEntry:
    content: dict[str, Any] = {
        "id": id_,
        "file": f"{id_}.npy",
        "source": f"deep/scan{id_}.nii",
        "source_sha256": id_ * 16,
        "subject": f"s{id_}",
        "affine": as_rows(np.eye(4) * 1.1),
        "spacing": (1.5, 2.0, 2.5),
        "source_shape": (20, 30, 40),
        "source_affine": as_rows(np.eye(4)),
        "crop": ((1, 19), (0, 30), (0, 40)),
        "window": Window(-1024.0, 600.0),
        "modality": "ct",
        **changes,
    }
    return StoreEntry(**content)


INDEXES = {
    "empty": Index(config=PrepareConfig(protocol="thorax-ct", volume_shape=(8, 9, 10))),
    "full": Index(
        config=PrepareConfig(
            protocol="brain-t1", volume_shape=(8, 8, 8), window=(0.0, 9.5), label_column="sex"
        ),
        masked=True,
        class_names=("F", "M"),
        entries=(
            entry("0001", mask_sha256="f" * 64, label=1, covariates={"age": 61.5, "sex": "M"}),
            entry("0002", modality="mr", to_scanner=as_rows(np.eye(4) * 0.9)),
        ),
    ),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_everything_comes_back_as_it_was(index: Index, tmp_path: Path) -> None:
    index.write(tmp_path)
    assert Index.read(tmp_path) == index
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]


def test_the_file_is_plain_json_for_other_programs(tmp_path: Path) -> None:
    """Stores of older versions must open, so the names within are fixed."""
    INDEXES["full"].write(tmp_path)
    content = json.loads((tmp_path / "index.json").read_text())
    assert list(content) == ["format", "config", "masked", "class_names", "entries"]
    assert content["format"] == FORMAT == 1
    first = content["entries"][0]
    assert first["window"] == {"low": -1024, "high": 600}
    assert first["covariates"] == {"age": 61.5, "sex": "M"}
    assert set(first) == {
        *("id", "file", "source", "source_sha256", "mask_sha256", "subject", "label"),
        *("covariates", "affine", "spacing", "source_shape", "source_affine", "crop"),
        *("window", "modality", "to_scanner", "air_hu", "mended"),
    }


def test_an_index_from_before_heads_and_bodies_still_opens(tmp_path: Path) -> None:
    INDEXES["full"].write(tmp_path)
    path = tmp_path / INDEX
    content = json.loads(path.read_text())
    del content["config"]["from_head"], content["config"]["crop"]
    for item in content["entries"]:
        del item["to_scanner"]
    path.write_text(json.dumps(content))
    opened = Index.read(tmp_path)
    assert opened.config == INDEXES["full"].config
    assert [item.to_scanner for item in opened.entries] == [None, None]


def test_order_is_that_of_the_numbers_not_of_the_digits(tmp_path: Path) -> None:
    entries = tuple(entry(id_) for id_ in ("10000", "0002", "9999"))
    assert [item.id for item in in_order(entries)] == ["0002", "9999", "10000"]
    Index(config=INDEXES["empty"].config, entries=entries).write(tmp_path)
    assert [item.id for item in Index.read(tmp_path).entries] == ["0002", "9999", "10000"]


def test_a_covariate_that_json_cannot_hold_leaves_the_old_index(tmp_path: Path) -> None:
    INDEXES["full"].write(tmp_path)
    before = (tmp_path / INDEX).read_bytes()
    broken = Index(config=INDEXES["full"].config, entries=(entry("1", covariates={"a": np.nan}),))
    with pytest.raises(ValueError, match="JSON"):
        broken.write(tmp_path)
    assert (tmp_path / INDEX).read_bytes() == before


def test_a_folder_that_is_gone_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        INDEXES["empty"].write(tmp_path / "gone")


def rename_window(content: dict[str, Any]) -> None:
    content["entries"][0]["window"] = {"lowest": 0, "high": 1}


def number_the_id(content: dict[str, Any]) -> None:
    content["entries"][1]["id"] = 2


def drop_the_subject(content: dict[str, Any]) -> None:
    del content["entries"][0]["subject"]


def add_a_field(content: dict[str, Any]) -> None:
    content["entries"][0]["colour"] = "grey"


def drop_the_entries(content: dict[str, Any]) -> None:
    del content["entries"]


@pytest.mark.parametrize(
    "spoil", [rename_window, drop_the_subject, add_a_field, drop_the_entries, number_the_id]
)
def test_what_is_damaged_is_refused_by_its_path(
    spoil: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    INDEXES["full"].write(tmp_path)
    path = tmp_path / INDEX
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=r"index\.json is not the index of a store"):
        Index.read(tmp_path)


def test_no_index_no_text_and_a_newer_format_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no store \(it has no index\.json\).*hagan prepare"):
        Index.read(tmp_path)
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(BadInputError, match=r"cannot read .*index\.json"):
        Index.read(tmp_path)
    (tmp_path / INDEX).write_text('{"format": 2}')
    with pytest.raises(BadInputError, match="has format 2, this hagan reads 1"):
        Index.read(tmp_path)
