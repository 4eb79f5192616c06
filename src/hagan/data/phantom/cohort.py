"""Phantom cohorts on disk: one NIfTI a subject and a table of the truth, the same for a seed."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from hagan.data.dicom_write import Marks, write_series
from hagan.data.files import make_folder, write_bytes_atomically
from hagan.data.nifti import write_nifti
from hagan.data.phantom.brain import render_brain
from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.rendered import Rendered
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.pool import run_in_processes
from hagan.data.volume import Volume
from hagan.errors import OutOfMemoryError, UsageError

Kind = Literal["thorax", "brain"]
Format = Literal["nifti", "dicom"]

FIELD_OF_VIEW_MM = {"thorax": (330.0, 380.0, 380.0), "brain": (192.0, 192.0, 192.0)}
"""Size of the grid along d, h, w."""

SUFFIXES: dict[Format, str] = {"nifti": ".nii.gz", "dicom": ""}
"""Of a subject's name: a file, or a folder of slices."""

TRUTH = "truth.csv"
VERSION = "1"
"""Of the phantoms: a change of their anatomy or disease raises it."""


@dataclass(frozen=True)
class Member:
    """A rendered subject's file and its row of the table."""

    file: str
    row: dict[str, Any]


def write_cohort(
    kind: Kind,
    out: Path,
    *,
    count: int,
    side: int,
    seed: int = 0,
    file_format: Format = "nifti",
    workers: int = 1,
    on_progress: Callable[[Member], None] | None = None,
) -> list[Member]:
    """Write a cohort; subjects of an earlier, interrupted call are made again only if missing.

    Args:
        kind: Thorax CT in HU, or brain T1.
        out: Folder for the files and truth.csv.
        count: Subjects.
        side: Voxels along each axis.
        seed: Of the cohort; subject k of a seed is the same in a cohort of any size.
        file_format: A NIfTI file or a folder of DICOM slices a subject.
        workers: Processes, of one thread each.
        on_progress: Called after each subject.

    Raises:
        UsageError: The folder holds other files, or phantoms of another kind, side or seed.
        OutOfMemoryError: A process was killed.
        DiskError: A file cannot be written.
    """
    make_folder(out)
    earlier = _earlier(out, kind, side, seed, file_format)
    todo = [number for number in range(count) if number not in earlier]
    made = dict(earlier)
    render = partial(render_member, kind, out, side, seed, file_format)
    for number, member in run_in_processes(render, todo, workers):
        if member is None:
            raise OutOfMemoryError(
                f"{kind} phantom {number} of side {side} killed its process, most likely for "
                "memory; take fewer --workers"
            )
        made[int(member.row["number"])] = member
        # The table is whole after every subject, so a kill loses one subject at most.
        write_truth(out / TRUTH, [made[number] for number in sorted(made)])
        if on_progress is not None:
            on_progress(member)
    return [made[number] for number in range(count)]


def render_member(
    kind: Kind, out: Path, side: int, seed: int, file_format: Format, number: int
) -> Member:
    """Render and write one subject."""
    with threadpool_limits(1):
        subject: Any
        rendered: Rendered
        if kind == "thorax":
            subject = draw_thorax(seed, number)
            rendered = render_thorax(subject, side)
        else:
            subject = draw_brain(seed, number)
            rendered = render_brain(subject, side)
    name = f"{kind}-{number:04d}"
    volume = Volume(
        rendered.voxels.astype(np.float32),
        centred_affine(kind, side),
        "ct" if kind == "thorax" else "mr",
    )
    file = name + SUFFIXES[file_format]
    if file_format == "dicom":
        part: Literal["CHEST", "BRAIN"] = "CHEST" if kind == "thorax" else "BRAIN"
        drawn = f"phantom {VERSION}, drawn by a program; nobody was scanned"
        write_series(volume, out / file, Marks(drawn, name, body_part=part))
    else:
        write_nifti(volume, out / file, description=f"SYNTHETIC hagan phantom {VERSION}")
    factors = {k: v for k, v in dataclasses.asdict(subject).items() if not isinstance(v, tuple)}
    facts = {"subject": name, "number": number, "version": VERSION, "side": side, "seed": seed}
    rest = {k: v for k, v in (factors | rendered.truth).items() if k not in facts}
    return Member(file, facts | rest)


def centred_affine(kind: Kind, side: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Index (d, h, w) to RAS mm: axis codes S, P, L, the world's origin in the middle."""
    spacing = np.array(FIELD_OF_VIEW_MM[kind]) / side
    affine = np.zeros((4, 4))
    affine[(2, 1, 0), (0, 1, 2)] = spacing * (1, -1, -1)
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, (side - 1) / 2)
    affine[3, 3] = 1.0
    return affine


def write_truth(path: Path, members: list[Member]) -> None:
    """Write the table, one row a subject; `hagan prepare --labels` takes it as it is."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for member in members for name in member.row))
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    for member in members:
        writer.writerow({k: _number(v) for k, v in member.row.items()})
    write_bytes_atomically(path, text.getvalue().encode())


def _number(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _earlier(out: Path, kind: Kind, side: int, seed: int, file_format: Format) -> dict[int, Member]:
    """Subjects of an earlier call that are there, file and row."""
    path = out / TRUTH
    if not path.exists():
        strangers = sorted(item.name for item in out.iterdir() if item.name[0] != ".")
        if strangers:
            raise UsageError(
                f"{out} holds other files ({strangers[0]}) and no {TRUTH}; choose a new folder"
            )
        return {}
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        numbers = [int(row["number"]) for row in rows]
    except (UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise UsageError(f"{path} is not a table of phantoms; choose another folder") from error
    found: dict[int, Member] = {}
    for number, row in zip(numbers, rows, strict=True):
        same = (row.get("side"), row.get("seed"), row.get("version")) == (
            str(side),
            str(seed),
            VERSION,
        )
        if not same or not row.get("subject", "").startswith(kind):
            raise UsageError(f"{out} holds phantoms of another kind, side or seed; choose another")
        name = row["subject"] + SUFFIXES[file_format]
        if (out / name).exists():
            found[number] = Member(name, dict(row))
    return found
