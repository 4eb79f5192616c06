"""`hagan regions`: lungs, airways and bone of chests, or brain and ventricles, as files."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError

if TYPE_CHECKING:
    from hagan.data.volume import Modality

TABLE = "regions.csv"


@dataclass(frozen=True)
class Regions:
    """Find the regions of chests or of stripped T1 brains, by thresholds and shape alone.

    Lungs, emphysema, airways and bone, or brain and ventricles; not for clinical use.
    """

    scans: tyro.conf.Positional[Path]
    """Folder with scans or generated volumes, searched with all folders below it, or one file."""

    out: tyro.conf.Positional[Path]
    """Folder for a label map of each scan and the table of sizes."""

    protocol: Literal["thorax-ct", "brain-t1"]
    """What the scans show."""

    match: str | None = None
    """Pattern of the scans to take, such as '*_T1w*'."""

    voxel_mm: float = 2.5
    """Regions are found on voxels of at least this side, and brought back to the scan's grid."""

    def run(self) -> int:
        """Find, write and tell.

        Returns:
            0 when every scan has its regions, else 3.
        """
        if not (math.isfinite(self.voxel_mm) and self.voxel_mm > 0):
            raise UsageError("--voxel-mm is above 0")
        from hagan.data.files import make_folder, write_bytes_atomically
        from hagan.data.formats import stem_of
        from hagan.data.scans import find_scans
        from hagan.evaluation.region_files import LABELS, find_regions, write_labels
        from hagan.evaluation.regions import REGIONS

        modality: Modality = "ct" if self.protocol == "thorax-ct" else "mr"
        console = Console(soft_wrap=True, highlight=False, markup=False)
        found = find_scans(self.scans, self.match)
        make_folder(self.out)
        units = REGIONS[modality]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["scan", *(f"{region} {size.unit}" for region, size in units.items())])
        failed = 0
        stems = {s.name: "__".join([*s.name.split("/")[:-1], stem_of(s.path)]) for s in found}
        taken = Counter(stems.values())
        names = {n: n.replace("/", "__") if taken[stem] > 1 else stem for n, stem in stems.items()}
        for scan in found:
            try:
                if scan.fault is not None:
                    raise ScanError(scan.fault.code, scan.fault.message)
                regions = find_regions(scan, modality, self.voxel_mm)
            except ScanError as error:
                console.print(str(error), style="red")
                failed += 1
                continue
            write_labels(self.out / f"{names[scan.name]}-regions.nii.gz", regions.labels)
            table.writerow([scan.name, *(f"{regions.sizes[region]:.6g}" for region in units)])
            told = ", ".join(
                f"{region} {regions.sizes[region]:.4g} {size.unit}"
                for region, size in units.items()
            )
            console.print(f"{scan.name}: {told}")
        write_bytes_atomically(self.out / TABLE, text.getvalue().encode())
        values = ", ".join(f"{value} {region}" for region, value in LABELS[modality].items())
        console.print(
            f"Wrote {len(found) - failed} label maps ({values}) and {TABLE} to {self.out}"
        )
        return BadInputError.exit_code if failed else 0
