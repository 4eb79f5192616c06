"""`hagan generate`: new volumes of a run, marked as synthetic, each one repeatable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console
from rich.progress import track

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.inference.export import Exporter
    from hagan.inference.sampler import Sampler


@dataclass(frozen=True)
class Generate:
    """Generate volumes with the spacing and intensity scale of the training data."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    out: tyro.conf.Positional[Path]
    """Folder for the volumes and manifest.json; an interrupted series is gone on with."""
    count: int = 16
    """Volumes."""
    seed: int = 0
    """Of the series; volume k of a seed never depends on how many there are."""
    label: int | None = None
    """Class of a conditional model, from 0; by default the classes in turn."""
    format: Literal["nifti", "npy", "dicom"] = "nifti"
    """Of the files."""
    truncation: float = 1.0
    """Below 1: more typical and less varied volumes; never for an evaluation."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    stream: Literal["auto", "always", "never"] = "auto"
    """Slab by slab: less memory, more time. auto: where the free memory does not hold a whole."""
    json: bool = False
    """Print the manifest's path and rows as JSON."""

    def run(self) -> int:
        """Generate; returns the exit code."""
        if self.format == "dicom":
            raise UsageError("writing DICOM is not there yet; take --format nifti or npy")
        if self.count < 1 or self.seed < 0 or not 0 < self.truncation <= 1:
            raise UsageError("--count from 1, --seed from 0, --truncation above 0 and at most 1")
        from hagan.cli.train import pick_device
        from hagan.inference.export import GENERATED, MANIFEST, SUFFIXES, Exporter
        from hagan.inference.sampler import Sampler

        console = Console(highlight=False, soft_wrap=True, quiet=self.json)
        sampler = Sampler.from_run(self.model, pick_device(self.device), self.stream)
        exporter = Exporter(self.out, sampler.loaded, kind=GENERATED)
        suffix = SUFFIXES[self.format]
        if any(not row.file.endswith(suffix) for row in exporter.manifest.rows):
            raise UsageError(f"{self.out} holds files of another format; choose a new folder")
        classes = sampler.loaded.model.num_classes
        for index in track(
            range(self.count), "generating", console=console, disable=not console.is_terminal
        ):
            file = f"{index:04d}{suffix}"
            label = index % classes if classes and self.label is None else self.label
            begun = exporter.manifest.row_of(file)
            if begun is not None:
                asked = (self.seed, index, label, self.truncation)
                if (begun.seed, begun.index, begun.label, begun.truncation) != asked:
                    raise UsageError(
                        f"{self.out / file} was made with other flags; choose a new folder"
                    )
                if (self.out / file).is_file():
                    continue
            self._add(exporter, sampler, file, index, label)
        if self.json:
            rows = [asdict(row) for row in exporter.manifest.rows]
            print(json.dumps({"manifest": str(self.out / MANIFEST), "rows": rows}, indent=2))
        console.print(
            f"Wrote {self.count} synthetic volumes and {MANIFEST} to {self.out}\n"
            f"Next: open them in any NIfTI viewer, or hagan reconstruct {self.model} SCANS OUT"
        )
        return 0

    def _add(
        self, exporter: Exporter, sampler: Sampler, file: str, index: int, label: int | None
    ) -> None:
        """Make one volume and write it; slab by slab it never comes into memory whole."""
        from hagan.inference.export import Row, hash_of

        seed, truncation = self.seed, self.truncation
        row = Row(file=file, sha256="", seed=seed, index=index, label=label, truncation=truncation)
        if sampler.streams:
            with sampler.sample_on_disk(
                index, seed=seed, folder=self.out, label=label, truncation=truncation
            ) as (volume, sha256):
                exporter.add(volume, replace(row, sha256=sha256))
        else:
            volume = sampler.sample(index, seed=seed, label=label, truncation=truncation)
            exporter.add(volume, replace(row, sha256=hash_of(volume)))
