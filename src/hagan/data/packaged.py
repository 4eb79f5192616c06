"""Files that optional packages bring: found, hashed and read; the packages' code is not run."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from hagan.errors import BadInputError, UnsafeFileError, UsageError

INSTALL = "pip install 'hagan[brain]'"
"""What brings all that whole heads need."""


def packaged_file(package: str, file: str, sha256: str) -> bytes:
    """Read a file that an installed package brings, if it is the one that is meant.

    Args:
        package: Name of the package as pip knows it.
        file: Path of the file below the folder that the package is installed into.
        sha256: Hash of the file that is meant.

    Returns:
        Its bytes.

    Raises:
        UsageError: The package is absent.
        BadInputError: The file cannot be read.
        UnsafeFileError: The file is another one.
    """
    try:
        path = Path(str(metadata.distribution(package).locate_file(file)))
    except metadata.PackageNotFoundError as error:
        raise UsageError(
            f"whole heads need the package {package}, which is not installed: {INSTALL}"
        ) from error
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read ({error.strerror or error}); reinstall {package}"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise UnsafeFileError(
            f"{path}: SHA-256 {digest[:12]}..., expected {sha256[:12]}...; reinstall {package} or "
            "the version that constraints/py311.txt names"
        )
    return content
