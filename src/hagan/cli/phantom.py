"""`hagan phantom`: a cohort of phantoms with known truth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.progress import track

from hagan.errors import UsageError


@dataclass(frozen=True)
class Phantom:
    """Write phantoms with a table of the truth. They are no evidence about patients."""

    kind: tyro.conf.Positional[Literal["thorax", "brain"]]
    """thorax: CT in Hounsfield units, COPD-like; brain: T1, age 20 to 80."""
    out: tyro.conf.Positional[Path]
    """Folder for the files and truth.csv; an interrupted cohort is gone on with."""
    count: int = 16
    """Subjects."""
    side: int = 64
    """Voxels along each axis; 32 to 256 were tried."""
    seed: int = 0
    """Of the cohort; subject k is the same in a cohort of any size."""
    format: Literal["nifti", "dicom"] = "nifti"
    """Of the files; dicom writes a folder of marked slices for each subject."""
    workers: int | None = None
    """Processes; by default one a core."""

    def run(self) -> int:
        """Write the cohort; returns the exit code."""
        if self.count < 1 or not 32 <= self.side <= 512:
            raise UsageError("--count is at least 1 and --side lies between 32 and 512")
        if self.seed < 0 or (self.workers is not None and self.workers < 1):
            raise UsageError("--seed is at least 0 and --workers is at least 1")
        from hagan.data.phantom.cohort import TRUTH, Member, write_cohort
        from hagan.data.phantom.rendered import CalibrationError

        console = Console(highlight=False, soft_wrap=True)
        workers = self.workers or os.cpu_count() or 1
        ticks = iter(
            track(range(self.count), "phantoms", console=console, disable=not console.is_terminal)
        )

        def tick(_: Member) -> None:
            next(ticks, None)

        try:
            members = write_cohort(
                self.kind,
                self.out,
                count=self.count,
                side=self.side,
                seed=self.seed,
                file_format=self.format,
                workers=workers,
                on_progress=tick,
            )
        except CalibrationError as error:
            raise UsageError(f"{error}; take another --seed or --side") from error
        protocol = "thorax-ct" if self.kind == "thorax" else "brain-t1"
        console.print(
            f"Wrote {len(members)} {self.kind} phantoms of {self.side} x {self.side} x {self.side} "
            f"voxels and {TRUTH} to {self.out}\n"
            f"Next: hagan prepare {self.out} STORE --protocol {protocol} --side {self.side} "
            f"--labels {self.out / TRUTH}"
        )
        return 0
