"""Errors: exit codes as the table in the module says, and faults with one stable code each."""

from __future__ import annotations

import re

import pytest

from hagan import errors
from hagan.errors import FAULTS, BadInputError, HaganError, ScanError

TREE = {
    "UsageError": 2,
    "BadInputError": 3,
    "ScanError": 3,
    "OutOfMemoryError": 4,
    "DiskError": 5,
    "DivergedError": 6,
    "UnsafeFileError": 7,
    "LostProcessError": 8,
    "InterruptedRunError": 130,
}


def test_every_error_has_the_exit_code_that_is_promised() -> None:
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, HaganError) and kind is not HaganError
    }
    assert found == TREE


def test_the_tree_in_the_docstring_is_true() -> None:
    drawn = re.findall(r"─ (\w+) +(\d+)", errors.__doc__ or "")
    assert {name: int(code) for name, code in drawn} == TREE


def test_exit_codes_tell_errors_apart() -> None:
    own = [code for name, code in TREE.items() if name != "ScanError"]
    assert len(set(own)) == len(own)
    assert not {0, 1} & set(own)


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_a_scans_fault_leads_its_message(code: str) -> None:
    error = ScanError(code, "a.nii.gz: what is wrong")
    assert isinstance(error, BadInputError)
    assert error.code == code
    assert str(error) == f"{code} a.nii.gz: what is wrong"


def test_faults_are_numbered_without_gaps_and_say_what() -> None:
    numbers = [int(code.removeprefix("E")) for code in FAULTS]
    assert numbers == list(range(101, 101 + len(FAULTS)))
    assert len(set(FAULTS.values())) == len(FAULTS)


def test_an_unknown_fault_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        ScanError("E999", "a")
