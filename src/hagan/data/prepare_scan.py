"""One scan to one array of a store: what a process of `hagan prepare` does."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hagan.config.data import ReadConfig
from hagan.data.air import air_corrected, check_air
from hagan.data.dicom import REFUSE
from hagan.data.files import sha256_of
from hagan.data.protocols import prepare_volume
from hagan.data.scans import Scan
from hagan.data.step_picture import Step, unwatched, write_steps
from hagan.data.store import Store, StoreEntry
from hagan.errors import ScanError


@dataclass(frozen=True)
class ScanResult:
    """What became of one scan.

    Attributes:
        scan: Its name.
        status: Done now, already in the store, or failed.
        code: The fault of a scan that failed or was left out, such as ``E112``; else empty.
        message: One line: why it failed, or what it became.
        seconds: Time that it took.
        mended: Whether a reader mended something, as it was asked to.
    """

    scan: str
    status: Literal["done", "skipped", "failed"]
    code: str = ""
    message: str = ""
    seconds: float = 0.0
    mended: bool = False


@dataclass(frozen=True)
class ScanTask:
    """All that a process needs for one scan.

    Attributes:
        scan: The scan.
        mask: What is masked out of it, if anything.
        subject: Who was scanned.
        id: Its number in the store.
        known: Its entry, where the store has one already.
        store: Where its array goes; entries are not needed.
        reading: What may be mended in a DICOM series.
        previews: Folder for a picture of the steps, if one is wanted.
        air_hu: Hounsfield units that were measured of its air, where the store's scans are
            corrected by it; else None.
    """

    scan: Scan
    mask: Scan | None
    subject: str
    id: str
    known: StoreEntry | None
    store: Store
    reading: ReadConfig = REFUSE
    previews: Path | None = None
    air_hu: float | None = None


def prepare_scan(task: ScanTask) -> tuple[ScanResult, StoreEntry | None]:
    """Read, prepare and write one scan, unless the store holds it as it is.

    Args:
        task: The scan and its place.

    Returns:
        What became of it, and the entry of an array that was written; the caller writes it into
        the index, and only then the scan counts.

    Raises:
        DiskError: The array or the picture cannot be written.
    """
    name, started = task.scan.name, time.monotonic()
    steps: list[Step] = []
    watch = unwatched if task.previews is None else steps.append

    def failed(code: str, message: str) -> tuple[ScanResult, None]:
        return ScanResult(name, "failed", code, message, time.monotonic() - started), None

    try:
        source_hash = _hash(task.scan)
        mask_hash = None if task.mask is None else _hash(task.mask)
        old = task.known
        made_of = (source_hash, mask_hash, task.air_hu)
        same = old is not None and (old.source_sha256, old.mask_sha256, old.air_hu) == made_of
        # What was mended may be refused by now, so it is read again.
        done = old is not None and same and not old.mended
        if old is not None and done and (task.store.path / old.file).exists():
            return ScanResult(name, "skipped", "", f"{name}: in the store as {old.id}"), None
        if task.store.config.air_column is not None:
            check_air(task.air_hu, task.store.config.air_column, name)
        volume = task.scan.read(task.reading)
        mask = None if task.mask is None else task.mask.read()
        if task.air_hu is not None:
            volume = air_corrected(volume, task.air_hu)
        array, placement = prepare_volume(volume, task.store.config, mask, name=name, watch=watch)
    except ScanError as error:
        if error.code == "E112" and task.reading.on_gap == "skip":
            result, _ = failed(error.code, _named(str(error), name))
            return dataclasses.replace(result, status="skipped"), None
        return failed(error.code, _named(str(error), name))
    except MemoryError:
        return failed("E123", f"E123 {name}: not enough memory to read it")
    finally:
        # Also of a scan that was refused: the picture shows why.
        if task.previews is not None and steps:
            write_steps(task.previews / f"{name.replace('/', '__')}.png", steps, name)
    entry = StoreEntry(
        **{item.name: getattr(placement, item.name) for item in dataclasses.fields(placement)},
        id=task.id,
        file=f"{task.id}.npy",
        source=name,
        source_sha256=source_hash,
        mask_sha256=mask_hash,
        subject=task.subject,
        air_hu=task.air_hu,
        mended=volume.mended,
    )
    task.store.save_volume(entry.file, array)
    message = f"{name}: {'prepared again' if old else 'prepared'} as {entry.id}"
    if volume.mended:
        message += f" ({', '.join(volume.mended)})"
    seconds = time.monotonic() - started
    return ScanResult(name, "done", "", message, seconds, bool(volume.mended)), entry


def _named(message: str, name: str) -> str:
    """Readers know a file by its last name; a cohort has many scans of one such name."""
    code, rest = message[:4], message[5:]
    last = name.rsplit("/", 1)[-1]
    return f"{code} {name}{rest[len(last) :]}" if rest.startswith(f"{last}:") else message


def _hash(scan: Scan) -> str:
    """Hash a file, or the hashes of the slices in the order of their names."""
    try:
        files = sorted(scan.files)
        if len(files) == 1 and not scan.slices:
            return sha256_of(scan.path)
        parts = "".join(sha256_of(path) for path in files)
    except OSError as error:
        text = error.strerror or str(error)
        raise ScanError("E101", f"{scan.path.name}: {text}") from error
    return hashlib.sha256(parts.encode()).hexdigest()
