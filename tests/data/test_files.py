from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from hagan.data.files import (
    atomic_folder,
    atomic_path,
    make_folder,
    sha256_of,
    write_bytes_atomically,
)
from hagan.errors import DiskError


def write_half(target: Path, error: Exception) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise error


def test_a_file_is_replaced_and_nothing_is_left_beside(tmp_path: Path) -> None:
    target = tmp_path / "index.json"
    write_bytes_atomically(target, b"old")
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
        assert temporary.parent == tmp_path
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_keeps_the_suffix_that_writers_look_at(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "scan.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        assert temporary.name.startswith(".")
        temporary.touch()


def test_a_failure_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "weights"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="boom"):
        write_half(target, RuntimeError("boom"))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_full_or_closed_disk_is_one_line(tmp_path: Path, code: int) -> None:
    with pytest.raises(DiskError) as caught:
        write_half(tmp_path / "x", OSError(code, "from the system"))
    assert str(tmp_path / "x") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 5
    assert not list(tmp_path.iterdir())


def test_a_short_write_of_numpy_is_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="full or failing"):
        write_half(tmp_path / "x", OSError("262144 requested and 40896 written"))


def test_an_input_that_is_missing_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        (tmp_path / "elsewhere" / "input").read_bytes()


def test_a_missing_folder_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="folder does not exist"):
        write_bytes_atomically(tmp_path / "absent" / "x", b"")


def test_a_long_name_still_fits(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 250)
    write_bytes_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_make_folder_refuses_a_file_in_the_way(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="a file of that name"):
        make_folder(tmp_path / "file")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"scan" * 100_000)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(b"scan" * 100_000).hexdigest()


def test_a_folder_is_the_old_one_or_the_whole_new_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with atomic_folder(target) as beside:
        (beside / "a").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_folder(target) as beside:
        (beside / "a").write_text((tmp_path / "nothing").read_text())
    assert (target / "a").read_text() == "old"
    with atomic_folder(target) as beside:
        (beside / "b").write_text("new")
    assert [path.name for path in target.iterdir()] == ["b"]
    assert [path.name for path in target.parent.iterdir()] == ["out"]
    (tmp_path / "file").touch()
    with pytest.raises(DiskError), atomic_folder(tmp_path / "file" / "out"):
        pass
