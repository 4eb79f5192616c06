"""Files of other packages: the known ones only, and one clear line without them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hagan.data.packaged import packaged_file
from hagan.errors import BadInputError, UnsafeFileError, UsageError

FILE = "numpy/version.py"
CONTENT = Path(np.__file__).with_name("version.py").read_bytes()


def test_a_known_file_is_read() -> None:
    known = hashlib.sha256(CONTENT).hexdigest()
    assert packaged_file("numpy", FILE, known) == CONTENT


def test_another_file_is_refused() -> None:
    other = hashlib.sha256(CONTENT + b" ").hexdigest()
    with pytest.raises(UnsafeFileError, match=r"version\.py: SHA-256 .* reinstall numpy"):
        packaged_file("numpy", FILE, other)


def test_an_absent_package_is_named_with_its_extra() -> None:
    with pytest.raises(UsageError, match=r"package no-such-brains, .*'hagan\[brain\]'"):
        packaged_file("no-such-brains", FILE, "")


def test_an_absent_file_is_named() -> None:
    with pytest.raises(BadInputError, match=r"nothing\.pt: cannot be read"):
        packaged_file("numpy", "numpy/nothing.pt", "")
