"""Files that are whole or absent: temporary beside, fsync, rename; and their SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hagan.errors import DiskError

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; make it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.EFBIG: "the file is too large for the disk",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reported an input/output error",
}


def disk_error(path: Path, error: OSError) -> DiskError:
    """Say in one line why an output cannot be written, and what to do about it.

    Args:
        path: The output.
        error: What the operating system said.

    Returns:
        The error to raise.
    """
    remedy = _REMEDIES.get(error.errno or 0, error.strerror)
    if remedy is None:
        remedy = f"the disk is full or failing ({error})"
    return DiskError(f"cannot write {path}: {remedy}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Write a file so that a kill or a full disk leaves the old one or the new one, never a part.

    Args:
        path: The file to write; its folder must exist.

    Yields:
        A temporary path in the same folder that ends like ``path``, so that writers which look at
        the suffix work. The block must create a file there; it replaces ``path`` when the block
        ends, and is removed when the block raises.

    Raises:
        DiskError: The file cannot be written: no space, no permission, no folder.
    """
    # A long name plus the prefix must stay within the 255 bytes that file systems allow.
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name[-120:]}")
    try:
        try:
            yield temporary
            _fsync(temporary)
            temporary.replace(path)
            _fsync_folder(path.parent)
        except OSError as error:
            # An input that the block failed to read is no fault of this output.
            is_ours = error.filename is None or Path(error.filename).parent == path.parent
            # NumPy reports a short write without an error number.
            if is_ours and (error.errno is None or error.errno in _REMEDIES):
                raise disk_error(path, error) from error
            raise
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Write a folder of files so that the old one or the whole new one is there, never a part.

    Args:
        path: The folder to write; one that is there is replaced.

    Yields:
        An empty folder beside it, which takes its place when the block ends, and is removed when
        the block raises.

    Raises:
        DiskError: It cannot be written: no space, no permission.
    """
    make_folder(path.parent)
    beside = path.with_name(f".{secrets.token_hex(4)}-{path.name[-120:]}")
    try:
        beside.mkdir()
        yield beside
        for file in beside.iterdir():
            _fsync(file)
        if path.exists():
            shutil.rmtree(path)
        beside.rename(path)
        _fsync_folder(path.parent)
    except OSError as error:
        # An input that the block failed to read is no fault of this output.
        if error.filename is None or Path(error.filename).is_relative_to(path.parent):
            raise disk_error(path, error) from error
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write a whole file at once, or leave what was there.

    Args:
        path: The file to write; its folder must exist.
        data: The content.

    Raises:
        DiskError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def make_folder(path: Path) -> Path:
    """Make a folder and its parents if they are absent.

    Args:
        path: The folder.

    Returns:
        The same path.

    Raises:
        DiskError: It cannot be made, or a file of that name is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise DiskError(f"cannot make the folder {path}: a file of that name exists") from error
    except OSError as error:
        raise disk_error(path, error) from error
    return path


def sha256_of(path: Path) -> str:
    """Hash the content of a file.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_folder(folder: Path) -> None:
    # Windows cannot open a folder; its rename needs no second flush.
    if os.name == "posix":
        _fsync(folder)
