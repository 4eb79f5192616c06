"""``hagan prepare``: scans to a store that models train on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hagan.config.data import Crop, OnGap, OnTilt, PrepareConfig, Protocol, ReadConfig
from hagan.config.recipes import recipe_names
from hagan.errors import BadInputError

if TYPE_CHECKING:
    from hagan.data.prepare import PrepareReport, ScanResult


@dataclass(frozen=True)
class Prepare:
    """Prepare scans for training; the same command again does only what is left."""

    scans: tyro.conf.Positional[Path]
    """Folder with scans (NIfTI, FreeSurfer, NumPy or DICOM), searched with all folders below it."""

    store: tyro.conf.Positional[Path]
    """Folder of the store; made when absent, added to when there."""

    protocol: Protocol
    """What the scans show: thorax-ct (in Hounsfield units), brain-t1, or generic."""

    side: int = 128
    """Voxels along each axis of the stored volumes."""

    volume_shape: tuple[int, int, int] | None = None
    """Voxels along depth, height and width, instead of side."""

    isotropic: bool = False
    """Keep the proportions of the body and pad, instead of stretching to the grid as the paper."""

    field_of_view_mm: float | None = None
    """With isotropic: longest side of the grid in mm, the same for every scan."""

    match: str | None = None
    """Pattern of the scans to prepare, such as '*_T1w*'; of the name of a file or series, or of its
    path below the folder where the pattern holds a slash."""

    from_head: bool = False
    """The scans show whole heads: find the brain, remove its shading, register it to MNI152 at 1 mm
    and normalise it (needs the extra `brain`); leave it out for FreeSurfer's norm.mgz and other
    brains that are ready."""

    crop: Crop = "slices"
    """Of a thorax: trim blank slices as the paper, or keep the body alone, without its table."""

    masks: Path | None = None
    """Folder of brain masks (above 0 is brain), matched by the start of the file name; with
    from-head no brain is then searched."""

    labels: Path | None = None
    """Table of subjects (.csv or .tsv), matched by the start of the file name."""

    label_column: str | None = None
    """Column of the table whose values become the classes of a conditional model."""

    air_column: str | None = None
    """Column of the table with the Hounsfield units measured of air in each thorax scan, by which
    its values are scaled (the air-density correction of COPDGene)."""

    window: tuple[float, float] | None = None
    """Lowest and highest intensity to keep, instead of the protocol's."""

    on_gap: OnGap = "fail"
    """DICOM series with missing or uneven slices: fail, interpolate (up to three missing slices in
    a row, told with the scan), or skip without counting them as failed."""

    on_tilt: OnTilt = "fail"
    """DICOM series of a tilted gantry: fail, or shear their slices straight."""

    assume_hu: bool = False
    """Take the stored values of a CT without rescale slope and intercept for Hounsfield units."""

    previews: Path | None = None
    """Folder for a picture of the steps of each scan; pictures of heads show faces."""

    workers: int | None = None
    """Processes; by default one a core, as far as the memory reaches."""

    json: bool = False
    """Print the report as JSON."""

    def run(self) -> int:
        """Prepare and report.

        Returns:
            0 when every scan is in the store, else 3.
        """
        from hagan.data.prepare import prepare

        config = PrepareConfig(
            protocol=self.protocol,
            volume_shape=self.volume_shape or (self.side,) * 3,
            isotropic=self.isotropic,
            field_of_view_mm=self.field_of_view_mm,
            window=self.window,
            from_head=self.from_head,
            crop=self.crop,
            air_column=self.air_column,
            label_column=self.label_column,
        )
        console = Console(soft_wrap=True, highlight=False, markup=False)
        with Progress(
            TextColumn("preparing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=self.json or not console.is_terminal,
            transient=True,
        ) as progress:
            bar = progress.add_task("scans", total=None)

            def on_progress(result: ScanResult) -> None:
                progress.advance(bar)
                if result.status == "failed" and not self.json:
                    console.print(result.message, style="red")
                elif result.mended and not self.json:
                    console.print(result.message, style="yellow")

            report = prepare(
                self.scans,
                self.store,
                config,
                match=self.match,
                masks=self.masks,
                table=self.labels,
                reading=ReadConfig(
                    on_gap=self.on_gap, on_tilt=self.on_tilt, assume_hu=self.assume_hu
                ),
                previews=self.previews,
                workers=self.workers,
                on_progress=on_progress,
            )
        if self.json:
            console.print_json(json.dumps(_as_data(report)))
        else:
            _print_summary(console, report, self.store, self.previews)
        return BadInputError.exit_code if report.failed else 0


def _as_data(report: PrepareReport) -> dict[str, object]:
    return {
        "store": str(report.store.path),
        "results": [dataclasses.asdict(result) for result in report.results],
        "without_row": report.without_row,
        "unused_rows": report.unused_rows,
        "seconds": report.seconds,
    }


def _print_summary(
    console: Console, report: PrepareReport, store: Path, previews: Path | None
) -> None:
    console.print(
        f"{len(report.done)} done, {len(report.skipped)} skipped, {len(report.failed)} failed "
        f"in {report.seconds:.1f} s"
    )
    for result in report.skipped:
        if result.code or "same content" in result.message:
            console.print(f"skipped {result.message}")
    if report.without_row:
        some = ", ".join(report.without_row[:3])
        console.print(f"{len(report.without_row)} scans have no row in the table ({some} ...)")
    if report.unused_rows:
        console.print(f"{len(report.unused_rows)} rows of the table have no scan")
    entries = report.store.entries
    if not entries:
        console.print(f"{store} holds no scan yet; mend the scans above and run this again")
        return
    geometry = report.store.geometry
    sizes = " x ".join(map(str, geometry.volume_shape))
    spacing = " x ".join(f"{size:.3g}" for size in geometry.spacing)
    subjects = len({entry.subject for entry in entries})
    classes = f", classes {', '.join(geometry.class_names)}" if geometry.class_names else ""
    console.print(
        f"Wrote {store}: {len(entries)} volumes of {sizes} voxels, {spacing} mm, "
        f"subjects: {subjects}{classes}"
    )
    if previews is not None and (report.done or report.failed):
        console.print(f"Pictures of the steps: {previews}")
    console.print(
        f"Next: hagan train {fitting_recipe(geometry.volume_shape)} --store {store} --run RUN"
    )


def fitting_recipe(shape: tuple[int, int, int]) -> str:
    """The default recipe for volumes of a shape, with the setting that it needs."""
    own = f"hagan-{shape[0]}"
    if len(set(shape)) == 1 and own in recipe_names():
        return own
    return f"hagan-64 --set model.volume_shape=[{','.join(map(str, shape))}]"
