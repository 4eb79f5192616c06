"""What a table says of the scans of a store: labels, covariates and subjects."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from hagan.data.scans import Scan
from hagan.data.store import Store
from hagan.data.table import Table, class_name, classes_of


@dataclass(frozen=True)
class Unmatched:
    """What a table and a store do not say of each other.

    Attributes:
        without_row: Scans of the store that the table says nothing about.
        unused_rows: Rows of the table without a scan.
    """

    without_row: tuple[str, ...] = ()
    unused_rows: tuple[str, ...] = ()


def label(
    store: Store, table: Table, column: str | None, scans: Mapping[str, Scan]
) -> tuple[Store, Unmatched]:
    """Match every entry of a store to its row anew, and write the index.

    An entry without a row keeps its covariates. An entry of a folder that is not looked at now is
    matched by its subject.

    Args:
        store: The store.
        table: The table.
        column: Where the labels are; None keeps those of the store.
        scans: The scans that were found, by name.

    Returns:
        The store as it is now, and what did not match.

    Raises:
        UsageError: The column has no value of any scan, or too many to be classes.
        DiskError: The index cannot be written.
    """
    matched: dict[str, str] = {}
    for entry in store.entries:
        names = scans[entry.source].names() if entry.source in scans else [entry.subject]
        subject = table.subject_of(names)
        if subject is not None:
            matched[entry.id] = subject
    rows = {
        entry.id: table.rows[matched[entry.id]] if entry.id in matched else entry.covariates
        for entry in store.entries
    }
    classes: tuple[str, ...] = ()
    if column is not None:
        classes = classes_of((row[column] for row in rows.values() if column in row), column)
    entries = []
    for entry in store.entries:
        row = rows[entry.id]
        class_index = None
        if column is not None and column in row:
            class_index = classes.index(class_name(row[column]))
        entries.append(
            dataclasses.replace(
                entry,
                covariates=row,
                label=class_index if column is not None else entry.label,
                subject=matched.get(entry.id, entry.subject),
            )
        )
    store = store.with_entries(entries, None if column is None else classes)
    without = tuple(entry.source for entry in store.entries if entry.id not in matched)
    unused = tuple(sorted(set(table.rows) - set(matched.values())))
    return store, Unmatched(without, unused)
