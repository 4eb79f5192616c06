"""Scans to a store, in parallel: resumable, whole or nothing a scan, one line a failed scan."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hagan.config.data import PrepareConfig, ReadConfig
from hagan.data.dicom import REFUSE
from hagan.data.files import make_folder
from hagan.data.labels import Unmatched, label
from hagan.data.matching import match_masks
from hagan.data.pool import run_in_processes
from hagan.data.prepare_scan import ScanResult as ScanResult
from hagan.data.prepare_scan import ScanTask, prepare_scan
from hagan.data.scans import Fault, Scan, find_scans
from hagan.data.store import Store, StoreEntry
from hagan.data.table import Table, read_table
from hagan.errors import UsageError

FLUSH_SECONDS = 2.0
"""The index grows with the cohort, so it is not written after every scan; a kill costs this."""


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
        """Scans that were in the store already, or left out as asked."""
        return tuple(item for item in self.results if item.status == "skipped")

    @property
    def failed(self) -> tuple[ScanResult, ...]:
        """Scans that were refused."""
        return tuple(item for item in self.results if item.status == "failed")


def prepare(
    scans: Path,
    store: Path,
    config: PrepareConfig,
    *,
    match: str | None = None,
    masks: Path | None = None,
    table: Path | None = None,
    reading: ReadConfig = REFUSE,
    previews: Path | None = None,
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
        match: Pattern of the names of the scans to prepare; None takes all.
        masks: Folder of brain masks, matched by the start of the file name; every scan needs one.
        table: Table of subjects, matched likewise.
        reading: What may be mended in DICOM series.
        previews: Folder for a picture of each scan that this call prepares or refuses.
        workers: Processes; None takes one a core as far as the memory reaches.
        on_progress: Called with each result as it comes.

    Returns:
        The store and what became of each scan.

    Raises:
        UsageError: Arguments that contradict each other or the store, or heads without the packages
            that they need.
        BadInputError: No scan, no mask at all, or a table that cannot be read.
        DiskError: The store cannot be written; what is in it stays whole.
    """
    started = time.monotonic()
    if masks is not None and config.protocol != "brain-t1":
        raise UsageError("--masks goes with --protocol brain-t1")
    if config.from_head:
        # Loaded for heads only; asked before the first scan, as no scan is to blame.
        from hagan.data.head import require_extra

        require_extra(masks=masks is not None)
    rows = None if table is None else read_table(table)
    columns = () if rows is None else rows.columns
    for column, use in ((config.label_column, "labels"), (config.air_column, "densities of air")):
        if column is not None and column not in columns:
            known = ", ".join(columns) or "no table was given"
            raise UsageError(f"no column {column} to take {use} from ({known})")
    found = find_scans(scans, match)
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
    if previews is not None:
        make_folder(previews)
    tasks = list(_tasks(usable, paired, rows, opened, reading, previews))
    opened, finished = _run(tasks, opened, workers, on_progress)
    opened.remove_strays()
    results.extend(finished)
    unmatched = Unmatched()
    if rows is not None:
        opened, unmatched = label(opened, rows, config.label_column, {s.name: s for s in found})
    return PrepareReport(
        opened,
        tuple(sorted(results, key=lambda result: result.scan)),
        unmatched.without_row,
        unmatched.unused_rows,
        time.monotonic() - started,
    )


def _tasks(
    scans: Sequence[Scan],
    masks: dict[str, Scan | Fault],
    table: Table | None,
    store: Store,
    reading: ReadConfig,
    previews: Path | None,
) -> Iterator[ScanTask]:
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
        row = table.subject_of(scan.names()) if table else None
        air = table.rows[row].get(store.config.air_column or "") if table and row else None
        old = known.get(scan.name)
        number = old.id if old else f"{next(free):04d}"
        yield ScanTask(
            scan,
            mask,
            row or scan.subject,
            number,
            old,
            empty,
            reading,
            previews,
            air if isinstance(air, float) else None,
        )


def _run(
    tasks: Sequence[ScanTask],
    store: Store,
    workers: int | None,
    on_progress: Callable[[ScanResult], None] | None,
) -> tuple[Store, list[ScanResult]]:
    """Do the tasks and put what they give into the index every few seconds."""
    results, waiting = [], []
    by_content = {(entry.source_sha256, entry.mask_sha256): entry for entry in store.entries}
    flushed = time.monotonic()
    try:
        for task, outcome in run_in_processes(prepare_scan, tasks, workers):
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


def _drop_copy(
    task: ScanTask, result: ScanResult, entry: StoreEntry, twin: StoreEntry
) -> ScanResult:
    """A second copy would put the same patient into training and into held-out scans."""
    if task.known is None:
        with suppress(OSError):
            (task.store.path / entry.file).unlink()
    message = f"{entry.source}: the same content as {twin.source}, which is {twin.id}"
    return dataclasses.replace(result, status="skipped", message=message)


def _killed(task: ScanTask) -> ScanResult:
    message = f"E123 {task.scan.name}: its process was killed, most likely out of memory"
    return ScanResult(task.scan.name, "failed", "E123", message)


def _tell(on_progress: Callable[[ScanResult], None] | None, result: ScanResult) -> None:
    if on_progress is not None:
        on_progress(result)
