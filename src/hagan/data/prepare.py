"""Scans to a store, in parallel: resumable, whole or nothing a scan, one line a failed scan."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hagan.config.data import PrepareConfig
from hagan.data.files import sha256_of
from hagan.data.pool import run_in_processes
from hagan.data.protocols import prepare_volume as prepare_volume
from hagan.data.protocols import restore_volume as restore_volume
from hagan.data.scans import Fault, Scan, find_scans, match_masks
from hagan.data.store import Store, StoreEntry
from hagan.data.table import Table, class_name, classes_of, read_table
from hagan.errors import ScanError, UsageError

FLUSH_SECONDS = 2.0
"""The index grows with the cohort, so it is not written after every scan; a kill costs this."""


@dataclass(frozen=True)
class ScanResult:
    """What became of one scan.

    Attributes:
        scan: Its name.
        status: Done now, already in the store, or failed.
        code: The fault of a failed scan, such as ``E112``; else empty.
        message: One line: why it failed, or what it became.
        seconds: Time that it took.
    """

    scan: str
    status: Literal["done", "skipped", "failed"]
    code: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class PrepareReport:
    """What became of a folder of scans.

    Attributes:
        store: The store as it is now.
        results: One a scan, by name.
        without_row: Scans of the store that the table says nothing about.
        unused_rows: Rows of the table without a scan.
        seconds: Wall time.
    """

    store: Store
    results: tuple[ScanResult, ...]
    without_row: tuple[str, ...] = ()
    unused_rows: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def done(self) -> tuple[ScanResult, ...]:
        """Scans that this call put into the store."""
        return tuple(item for item in self.results if item.status == "done")

    @property
    def skipped(self) -> tuple[ScanResult, ...]:
        """Scans that were in the store already."""
        return tuple(item for item in self.results if item.status == "skipped")

    @property
    def failed(self) -> tuple[ScanResult, ...]:
        """Scans that were refused."""
        return tuple(item for item in self.results if item.status == "failed")


@dataclass(frozen=True)
class _Task:
    """All that a worker process needs for one scan."""

    scan: Scan
    mask: Scan | None
    subject: str
    id: str
    known: StoreEntry | None
    store: Store


def prepare(
    scans: Path,
    store: Path,
    config: PrepareConfig,
    *,
    masks: Path | None = None,
    table: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[ScanResult], None] | None = None,
) -> PrepareReport:
    """Prepare every scan of a folder; the same call again does only what is left.

    A scan is known by its name below the folder and by the hash of its content: one that changed
    is prepared again, and a copy of one that is in the store is skipped. Labels and covariates are
    matched anew to every scan of the store at each call with a table.

    Args:
        scans: Folder with scans, searched recursively, or one scan.
        store: Folder of the store.
        config: How to prepare.
        masks: Folder of brain masks, matched by the start of the file name; every scan needs one.
        table: Table of subjects, matched likewise.
        workers: Processes; None takes one a core as far as the memory reaches.
        on_progress: Called with each result as it comes.

    Returns:
        The store and what became of each scan.

    Raises:
        UsageError: Arguments that contradict each other or the store.
        BadInputError: No scan, no mask at all, or a table that cannot be read.
        DiskError: The store cannot be written; what is in it stays whole.
    """
    started = time.monotonic()
    if masks is not None and config.protocol != "brain-t1":
        raise UsageError("--masks goes with --protocol brain-t1")
    rows = None if table is None else read_table(table)
    columns = () if rows is None else rows.columns
    if config.label_column is not None and config.label_column not in columns:
        known = ", ".join(columns) or "no table was given"
        raise UsageError(f"no column {config.label_column} to take labels from ({known})")
    found = find_scans(scans)
    results = [
        ScanResult(scan.name, "failed", scan.fault.code, scan.fault.message)
        for scan in found
        if scan.fault is not None
    ]
    usable = [scan for scan in found if scan.fault is None]
    paired = {} if masks is None else match_masks(usable, masks)
    for name, mask in paired.items():
        if isinstance(mask, Fault):
            results.append(ScanResult(name, "failed", mask.code, mask.message))
    opened = Store.create(store, config, masked=masks is not None)
    for result in results:
        _tell(on_progress, result)
    tasks = list(_tasks(usable, paired, rows, opened))
    opened, finished = _run(tasks, opened, workers, on_progress)
    opened.remove_strays()
    results.extend(finished)
    unmatched: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    if rows is not None:
        opened, unmatched = _label(opened, rows, config.label_column, {s.name: s for s in found})
    return PrepareReport(
        opened,
        tuple(sorted(results, key=lambda result: result.scan)),
        *unmatched,
        time.monotonic() - started,
    )


def _tasks(
    scans: Sequence[Scan], masks: dict[str, Scan | Fault], table: Table | None, store: Store
) -> Iterator[_Task]:
    known = {entry.source: entry for entry in store.entries}
    # The lowest free numbers in the order of the names: a store that was interrupted ends up the
    # same as one that was not.
    taken = {int(entry.id) for entry in store.entries}
    free = (number for number in itertools.count(1) if number not in taken)
    # Workers write arrays and never the index: they need the store's path, not its entries.
    empty = Store(store.path, store.config, masked=store.masked)
    for scan in scans:
        mask = masks.get(scan.name)
        if isinstance(mask, Fault):
            continue
        subject = (table.subject_of(scan.names()) if table else None) or scan.subject
        old = known.get(scan.name)
        yield _Task(scan, mask, subject, old.id if old else f"{next(free):04d}", old, empty)


def _run(
    tasks: Sequence[_Task],
    store: Store,
    workers: int | None,
    on_progress: Callable[[ScanResult], None] | None,
) -> tuple[Store, list[ScanResult]]:
    """Do the tasks and put what they give into the index every few seconds."""
    results, waiting = [], []
    by_content = {(entry.source_sha256, entry.mask_sha256): entry for entry in store.entries}
    flushed = time.monotonic()
    try:
        for task, outcome in run_in_processes(_prepare_one, tasks, workers):
            result, entry = outcome or (_killed(task), None)
            if entry is not None:
                content = (entry.source_sha256, entry.mask_sha256)
                twin = by_content.setdefault(content, entry)
                if twin.source != entry.source:
                    result = _drop_copy(task, result, entry, twin)
                else:
                    waiting.append(entry)
            results.append(result)
            _tell(on_progress, result)
            if waiting and time.monotonic() - flushed > FLUSH_SECONDS:
                store, waiting, flushed = store.with_entries(waiting), [], time.monotonic()
    finally:
        # Also on Ctrl-C and on a full disk: what was done counts.
        if waiting:
            store = store.with_entries(waiting)
    return store, results


def _drop_copy(task: _Task, result: ScanResult, entry: StoreEntry, twin: StoreEntry) -> ScanResult:
    """A second copy would put the same patient into training and into held-out scans."""
    if task.known is None:
        with suppress(OSError):
            (task.store.path / entry.file).unlink()
    message = f"{entry.source}: the same content as {twin.source}, which is {twin.id}"
    return dataclasses.replace(result, status="skipped", message=message)


def _killed(task: _Task) -> ScanResult:
    message = f"E123 {task.scan.name}: its process was killed, most likely out of memory"
    return ScanResult(task.scan.name, "failed", "E123", message)


def _prepare_one(task: _Task) -> tuple[ScanResult, StoreEntry | None]:
    """Read, prepare and write one scan; its entry is written by the caller."""
    name, started = task.scan.name, time.monotonic()

    def failed(code: str, message: str) -> tuple[ScanResult, None]:
        return ScanResult(name, "failed", code, message, time.monotonic() - started), None

    try:
        source_hash = _hash(task.scan)
        mask_hash = None if task.mask is None else _hash(task.mask)
        old = task.known
        same = old is not None and (old.source_sha256, old.mask_sha256) == (source_hash, mask_hash)
        if old is not None and same and (task.store.path / old.file).exists():
            return ScanResult(name, "skipped", "", f"{name}: in the store as {old.id}"), None
        volume = task.scan.read()
        mask = None if task.mask is None else task.mask.read()
        array, placement = prepare_volume(volume, task.store.config, mask, name=name)
    except ScanError as error:
        return failed(error.code, _named(str(error), name))
    except MemoryError:
        return failed("E123", f"E123 {name}: not enough memory to read it")
    entry = StoreEntry(
        **{item.name: getattr(placement, item.name) for item in dataclasses.fields(placement)},
        id=task.id,
        file=f"{task.id}.npy",
        source=name,
        source_sha256=source_hash,
        mask_sha256=mask_hash,
        subject=task.subject,
    )
    task.store.save_volume(entry.file, array)
    message = f"{name}: {'prepared again' if old else 'prepared'} as {entry.id}"
    return ScanResult(name, "done", "", message, time.monotonic() - started), entry


def _named(message: str, name: str) -> str:
    """Readers know a file by its last name; a cohort has many scans of one such name."""
    code, rest = message[:4], message[5:]
    last = name.rsplit("/", 1)[-1]
    return f"{code} {name}{rest[len(last) :]}" if rest.startswith(f"{last}:") else message


def _hash(scan: Scan) -> str:
    """Hash a file, or the hashes of the slices in the order of their names."""
    try:
        if not scan.slices:
            return sha256_of(scan.path)
        slices = "".join(sha256_of(path) for path in sorted(scan.slices))
    except OSError as error:
        text = error.strerror or str(error)
        raise ScanError("E101", f"{scan.path.name}: {text}") from error
    return hashlib.sha256(slices.encode()).hexdigest()


def _label(
    store: Store, table: Table, column: str | None, scans: dict[str, Scan]
) -> tuple[Store, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Match every entry to its row anew; the entries of other folders keep what they have."""
    matched: dict[str, str] = {}
    for entry in store.entries:
        names = scans[entry.source].names() if entry.source in scans else [entry.subject]
        subject = table.subject_of(names)
        if subject is not None:
            matched[entry.id] = subject
    rows = {id_: table.rows[subject] for id_, subject in matched.items()}
    classes: tuple[str, ...] = ()
    if column is not None:
        classes = classes_of((row[column] for row in rows.values() if column in row), column)
    entries = []
    for entry in store.entries:
        row = rows.get(entry.id, entry.covariates)
        label = None
        if column is not None and column in row:
            label = classes.index(class_name(row[column]))
        entries.append(
            dataclasses.replace(
                entry,
                covariates=row,
                label=label if column is not None else entry.label,
                subject=matched.get(entry.id, entry.subject),
            )
        )
    store = store.with_entries(entries, None if column is None else classes)
    without = tuple(entry.source for entry in store.entries if entry.id not in matched)
    unused = tuple(sorted(set(table.rows) - set(matched.values())))
    return store, (without, unused)


def _tell(on_progress: Callable[[ScanResult], None] | None, result: ScanResult) -> None:
    if on_progress is not None:
        on_progress(result)
