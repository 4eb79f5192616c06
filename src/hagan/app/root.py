"""The folder that is served: nothing outside it is read, and its paths never leave as such."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from hagan.errors import BadInputError, UnsafeFileError

_ID_LETTERS = 24


@dataclass(frozen=True)
class Root:
    """A folder, or the folder of the one file that is served.

    Attributes:
        path: The folder, without links.
        only: The one file that is served of it, or None for everything.
        secret: Of the ids; new in every process.
    """

    path: Path
    only: Path | None = None
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @classmethod
    def of(cls, path: Path) -> Root:
        """The root of a path that a user named; a link that is named itself is followed.

        Raises:
            BadInputError: There is no such file or folder.
        """
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise BadInputError(f"{path} does not exist; name a folder or a file") from error
        return cls(real) if real.is_dir() else cls(real.parent, real)

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, lies in the folder."""
        try:
            return Path(os.path.realpath(path)).is_relative_to(self.path)
        except (OSError, ValueError):
            return False

    def checked(self, path: Path) -> Path:
        """The same path, if it does not leave the folder.

        Raises:
            UnsafeFileError: It is, or lies behind, a link that leaves the folder.
        """
        if not self.holds(path):
            raise UnsafeFileError(f"{path.name}: a link that leaves the folder that is served")
        return path

    def name_of(self, path: Path) -> str:
        """A path below the folder with forward slashes; the folder's own name for itself."""
        if path == self.path:
            return self.path.name or "/"
        return path.relative_to(self.path).as_posix()

    def id_of(self, kind: str, name: str) -> str:
        """An opaque id that tells nothing of the name and cannot be made from it outside."""
        digest = hmac.new(self.secret, f"{kind}\0{name}".encode(), hashlib.sha256)
        return digest.hexdigest()[:_ID_LETTERS]
