"""`hagan reconstruct`: scan to code to volume, beside the scan as it was prepared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError


@dataclass(frozen=True)
class Reconstruct:
    """Rebuild scans from their latent codes. The results are patient data, and marked so."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    scans: tyro.conf.Positional[Path]
    """A store, a folder of scans, or one scan."""
    out: tyro.conf.Positional[Path]
    """Folder for NAME-rebuilt.nii.gz, NAME-prepared.nii.gz and manifest.json."""
    fold: str | None = None
    """i/n: of a store only the held-back subjects of fold i of n."""
    masks: Path | None = None
    """Of a folder: brain masks, matched by the start of the file name."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""

    def run(self) -> int:
        """Reconstruct; returns the exit code."""
        import numpy as np

        from hagan.cli.train import pick_device
        from hagan.data.dataset import Fold
        from hagan.data.formats import write_scan
        from hagan.inference.export import MANIFEST, REBUILT, Exporter, Row, hash_of
        from hagan.inference.reconstruct import label_of, prepared_scans, reconstruct
        from hagan.inference.sampler import Sampler

        console = Console(highlight=False, soft_wrap=True)
        sampler = Sampler.from_run(self.model, pick_device(self.device))
        fold = None if self.fold is None else Fold.parse(self.fold)
        exporter = Exporter(self.out, sampler.loaded, kind=REBUILT)
        errors: dict[str, float] = {}
        failed = 0
        for scan in prepared_scans(self.scans, sampler, fold=fold, masks=self.masks):
            if isinstance(scan, ScanError):
                failed += 1
                console.print(str(scan), markup=False)
                continue
            rebuilt, prepared = reconstruct(sampler, scan)
            error = float(np.abs(rebuilt.voxels - prepared.voxels).mean())
            name = file_name(scan.name)
            while name in errors:
                # Such as a/b.nii and a_b.nii, or one scan in two formats.
                name += "-again"
            errors[name] = error
            begun = exporter.manifest.row_of(f"{name}-rebuilt.nii.gz")
            if begun is not None and begun.source != scan.name:
                raise UsageError(
                    f"{self.out} holds a reconstruction of {begun.source} under the same name; "
                    "choose a new folder"
                )
            row = Row(
                file=f"{name}-rebuilt.nii.gz",
                sha256=hash_of(rebuilt),
                source=scan.name,
                label=label_of(sampler, scan),
                mean_absolute_error=error,
            )
            exporter.add(rebuilt, row)
            write_scan(prepared, self.out / f"{name}-prepared.nii.gz")
        if not errors:
            raise BadInputError(f"{self.scans}: no scan could be rebuilt")
        mean = float(np.mean(list(errors.values())))
        console.print(
            f"Wrote {len(errors)} reconstructions beside their prepared scans to {self.out} "
            f"({MANIFEST} lists them); mean absolute error {mean:.4g} in the scans' "
            f"units{f'; {failed} scans failed' if failed else ''}\n"
            "Next: open a pair in any NIfTI viewer; both lie where the scan lies"
        )
        return BadInputError.exit_code if failed else 0


def file_name(scan: str) -> str:
    """A scan's name without folders and endings, so that it can name a file."""
    from hagan.data.formats import stem_of

    return stem_of(Path(scan.replace("/", "_")))
