"""Tables of subjects: one header line, one row a subject, commas, semicolons or tabs."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hagan.data.matching import starts_with
from hagan.errors import BadInputError, UsageError

_ID_COLUMNS = ("subject", "subject_id", "participant_id", "patient_id", "id")
_ABSENT = frozenset(("", "na", "n/a", "nan", "none", "null"))

MAX_CLASSES = 32
"""A column with more different values is a measurement, not a class."""

Row = dict[str, float | str]


@dataclass(frozen=True)
class Table:
    """What is known of each subject.

    Attributes:
        path: Where it was read.
        columns: Names of the columns apart from the one that identifies.
        rows: By subject; cells without a value are left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Row]

    def subject_of(self, names: Sequence[str]) -> str | None:
        """Find the row of a scan: the longest subject that one of its names starts with.

        Args:
            names: The scan's name, then its folders outwards; the first that matches decides.

        Returns:
            The subject as the table spells it, or None.
        """
        for name in names:
            # BIDS writes sub-01 in file names, and many tables only 01.
            forms = (name, name.removeprefix("sub-"))
            fitting = [s for s in self.rows if any(starts_with(form, s) for form in forms)]
            if fitting:
                return max(fitting, key=len)
        return None


def read_table(path: Path) -> Table:
    """Read a table.

    The rows are identified by the column ``subject``, ``participant_id`` or ``id`` (any case), or
    else by the first. A column whose cells are all numbers becomes numbers.

    Args:
        path: A .csv or .tsv file in UTF-8.

    Returns:
        The table.

    Raises:
        BadInputError: It cannot be read, holds no row, or names a subject twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            delimiter = max(",;\t", key=first.count)
            stream.seek(0)
            lines = [line for line in csv.reader(stream, delimiter=delimiter) if any(line)]
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} is not a table in UTF-8 ({error})") from error
    if len(lines) < 2:
        raise BadInputError(f"{path} needs a header line and at least one row")
    header = [cell.strip() for cell in lines[0]]
    if len(set(header)) < len(header):
        raise BadInputError(f"{path} has two columns of the same name in its header")
    key = next((i for i, name in enumerate(header) if name.lower() in _ID_COLUMNS), 0)
    cells: dict[str, list[str]] = {}
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise BadInputError(
                f"{path}, row {number}: {len(line)} cells, the header has {len(header)}"
            )
        subject = line[key].strip()
        if not subject:
            raise BadInputError(f"{path}, row {number}: no {header[key] or 'subject'}")
        if subject in cells:
            raise BadInputError(f"{path}, row {number}: {subject} is there twice; keep one row")
        cells[subject] = [cell.strip() for cell in line]
    numeric = {i for i in range(len(header)) if _is_numeric(row[i] for row in cells.values())}
    rows = {
        subject: {
            name: float(row[i]) if i in numeric else row[i]
            for i, name in enumerate(header)
            if i != key and row[i].lower() not in _ABSENT
        }
        for subject, row in cells.items()
    }
    return Table(path, tuple(name for i, name in enumerate(header) if i != key), rows)


def classes_of(values: Iterable[float | str], column: str) -> tuple[str, ...]:
    """Name the classes of a label column.

    Args:
        values: The values that occur.
        column: Name of the column, for the error text.

    Returns:
        The distinct values as text, numbers in their own order and texts by the alphabet.

    Raises:
        UsageError: There are none, or so many that the column is a measurement.
    """
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if not distinct:
        raise UsageError(f"no scan has a value in the column {column}")
    if len(distinct) > MAX_CLASSES:
        raise UsageError(
            f"the column {column} has {len(distinct)} different values, at most {MAX_CLASSES} can "
            "be classes; group them first"
        )
    return tuple(class_name(value) for value in distinct)


def class_name(value: float | str) -> str:
    """Spell a value of a label column.

    Args:
        value: Such as 2.0 or ``"F"``.

    Returns:
        Such as ``"2"`` or ``"F"``.
    """
    return value if isinstance(value, str) else f"{value:g}"


def _is_numeric(cells: Iterable[str]) -> bool:
    given = [cell for cell in cells if cell.lower() not in _ABSENT]
    try:
        return bool(given) and all(math.isfinite(float(cell)) for cell in given)
    except ValueError:
        return False
