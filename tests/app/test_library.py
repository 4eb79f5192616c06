from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.made import save_direction
from hagan.app import library as module
from hagan.app.found import FoundVolume
from hagan.app.library import Library, UnknownIdError
from hagan.app.root import Root
from hagan.errors import BadInputError


def test_what_was_found_is_named_by_its_id_alone(shelf: Path) -> None:
    library = Library(Root.of(shelf))
    found = library.findings
    assert library.run(found.runs[0].id) is found.runs[0]
    volume = found.collections[0].volumes[0]
    assert library.volume(volume.id) is volume
    for ask in (library.run, library.collection, library.report, library.direction, library.volume):
        for wrong in ("", "run", "../run", str(shelf)):
            with pytest.raises(UnknownIdError):
                ask(wrong)


def test_what_is_new_is_found_after_a_while(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    library = Library(Root.of(tmp_path))
    assert library.findings.collections == ()
    shutil.copytree(shelf / "new", tmp_path / "new")
    assert [one.name for one in library.findings.collections] == ["new"]


def test_directions_from_elsewhere_are_named_by_the_user(shelf: Path, tmp_path: Path) -> None:
    path = save_direction(tmp_path / "d.npz", "0" * 64)
    library = Library(Root.of(shelf / "new"), directions=[path])
    assert [one.name for one in library.findings.directions] == ["d.npz"]
    with pytest.raises(BadInputError, match="no direction"):
        Library(Root.of(shelf), directions=[shelf / "report" / "results.json"])


def test_made_volumes_keep_their_ids_for_a_while(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MADE", 2)
    library = Library(Root.of(shelf))
    like = library.findings.collections[0].volumes[0]
    for key in ("a", "b", "c"):
        library.add_made(FoundVolume(key, key, "fake", "", like.read, like.version))
    assert library.volume("c").name == "c"
    with pytest.raises(UnknownIdError):
        library.volume("a")
