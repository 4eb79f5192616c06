"""What pages are told: names and ids, never paths."""

from __future__ import annotations

import json
from pathlib import Path

from hagan.app.descriptions import collection_page, run_page, shelf_page
from hagan.app.library import Library
from hagan.app.root import Root


def test_the_first_page_lists_what_there_is_without_paths(shelf: Path) -> None:
    library = Library(Root.of(shelf))
    page = shelf_page(library)
    assert page["name"] == "shelf"
    assert [(one["name"], one["kind"], one["count"]) for one in page["collections"]] == [
        ("new", "generated", 2),
        ("scans", "scans", 2),
        ("scans/series", "scans", 1),
        ("store", "store", 6),
    ]
    (run,) = page["runs"]
    assert (run["recipe"], run["trained"]) == ("narrow", True)
    assert str(shelf.parent) not in json.dumps(page)


def test_a_run_has_its_previews_and_a_collection_its_volumes(shelf: Path) -> None:
    library = Library(Root.of(shelf))
    assert run_page(library, library.findings.runs[0])["previews"] == []
    new = collection_page(library.findings.collections[0])
    assert [one["provenance"] for one in new["volumes"]] == ["fake", "fake"]


def test_weights_that_are_not_ours_are_told_and_losses_still_shown(
    shelf: Path, tmp_path: Path
) -> None:
    (tmp_path / "run" / "weights").mkdir(parents=True)
    (tmp_path / "run" / "weights" / "model.safetensors").write_bytes(b"x" * 100)
    (tmp_path / "run" / "config.json").write_text("{")
    (tmp_path / "run" / "metrics.jsonl").touch()
    (run,) = shelf_page(Library(Root.of(tmp_path)))["runs"]
    assert "not weights of hagan" in run["error"]
