from __future__ import annotations

from pathlib import Path

import pytest

from hagan.app.root import Root
from hagan.errors import BadInputError, UnsafeFileError


def test_links_that_leave_are_refused_and_others_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (folder / "own.txt").write_text("x")
    (folder / "out").symlink_to(tmp_path / "secret.txt")
    (folder / "in").symlink_to(folder / "own.txt")
    root = Root.of(folder)
    assert root.checked(folder / "in") == folder / "in"
    for path in (folder / "out", folder / ".." / "secret.txt", tmp_path):
        assert not root.holds(path)
        with pytest.raises(UnsafeFileError, match="leaves the folder"):
            root.checked(path)


def test_ids_tell_nothing_and_are_new_in_every_process(tmp_path: Path) -> None:
    one, other = Root.of(tmp_path), Root.of(tmp_path)
    assert one.id_of("volume", "a") == one.id_of("volume", "a")
    assert one.id_of("volume", "a") != one.id_of("run", "a")
    assert one.id_of("volume", "a") != other.id_of("volume", "a")
    assert one.id_of("volume", "a").isalnum()


def test_one_file_is_served_alone(tmp_path: Path) -> None:
    (tmp_path / "a.nii").touch()
    root = Root.of(tmp_path / "a.nii")
    assert (root.path, root.only) == (tmp_path.resolve(), (tmp_path / "a.nii").resolve())
    assert root.name_of(tmp_path.resolve()) == tmp_path.name
    with pytest.raises(BadInputError, match="does not exist"):
        Root.of(tmp_path / "gone")
