"""`hagan evaluate`: judge generated volumes, whoever made them, against real ones.

Several processes measure the volumes together; the first one judges.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from hagan.config.evaluation import PRESETS, EvaluationConfig, Normalisation, PresetName
from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.cli.together import Company
    from hagan.evaluation.comparison import Comparison, Sides
    from hagan.training.distributed import World

RESULTS = "results.json"


@dataclass(frozen=True)
class Evaluate:
    """Judge sets of volumes against real ones: FID, KID, MMD, coverage, copies, seams and more.

    Each side is a run, a store, a folder of NIfTI, DICOM or NumPy files, ours or anybody's, or
    feature files (.npz) on both sides.
    """

    fakes: tyro.conf.Positional[tuple[Path, ...]] = ()
    """What is judged; several are judged side by side."""
    real: Path | None = None
    """Real volumes: a store or a folder."""
    train: Path | None = None
    """What the generators were trained on, if it is apart from --real: for the floor and copies."""
    fold: str | None = None
    """i/n of a store given as --real: its held-out part is the reference, the rest the training
    part. A run that was trained on the very store brings its own."""
    out: Path = Path("runs/evaluation")
    """Folder for report.html, results.json, results.csv, results.md and features."""
    preset: PresetName = "hagan"
    """Whose definitions: ours, HA-GAN's (needs --med3d), or MONAI's FID of given features."""
    extractors: tuple[str, ...] = ("auto",)
    """random-resnet10, astra-grid, astra, med3d; auto takes all that are at hand, astra as
    astra-grid."""
    med3d: Path | None = None
    """A weights file of MedicalNet: resnet_10, 18, 34 or 50 (.pth)."""
    normalisation: Normalisation = "raw"
    """Of the input of med3d: raw as HA-GAN's authors, or a z-score of positive or of all voxels."""
    inception: Path | None = None
    """A weights file of Inception v3 in torchvision's layout, for the Inception Score."""
    count: int | None = None
    """Most volumes a set; runs make as many (200 by default)."""
    resamples: int = 200
    """Of the bootstrap; 0 for no intervals."""
    seed: int = 0
    """Of samples, subsets, resamples and anchors."""
    anchors: bool = True
    """Judge a PCA Gaussian, copies, mirrored and blurred copies and stitched slabs too."""
    slabs: int = 8
    """Along the body axis, where seams are looked for."""
    resample: bool = False
    """Stretch files of another shape to the grid instead of refusing them."""
    nearest: bool = False
    """With --resample: repeat the nearest voxel instead of interpolating linearly."""
    window: tuple[float, float] | None = None
    """Lowest and highest intensity of files; by default the store's, or found from --real."""
    scan_windows: bool = False
    """Give each file a window of its own quantiles, as for MR without a common scale."""
    cache: Path | None = None
    """Where features are kept; by default HAGAN_CACHE or the user's cache folder."""
    keep: Annotated[bool, tyro.conf.arg(name="use-cache")] = True
    """Keep features between calls."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    self_test: bool = False
    """Judge the metrics instead: plant faults in phantoms and see who notices."""
    side: int = 64
    """With --self-test: voxels along each axis of the phantoms."""
    json: bool = False
    """Print the results as JSON."""

    def run(self) -> int:
        """Evaluate; returns the exit code."""
        from hagan.cli.together import company

        with company() as together:
            return self._run(together)

    def _run(self, together: Company) -> int:
        world = together.world
        given = self.fakes and self.real and all(map(_holds_features, (*self.fakes, self.real)))
        if self.self_test or given:
            # There are no volumes to share: one process is enough.
            return self._alone() if world.is_first else 0
        from hagan.cli.shared_measuring import shared_cache

        with world.agreed():
            if not self.fakes or self.real is None:
                raise UsageError(
                    "name what is judged and what it is judged by: hagan evaluate FAKE --real REAL"
                )
            _claim(self.out)
            own = replace(self, device=together.device(self.device))
        with shared_cache(own, world) as flags:
            return flags._judge(world)

    def _alone(self) -> int:
        if self.self_test:
            from hagan.cli.self_test import run_self_test

            return run_self_test(self)
        from hagan.cli.given_features import evaluate_features

        return evaluate_features(self)

    def _judge(self, world: World) -> int:
        """Measure the volumes together; the first process goes on alone and writes everything."""
        from hagan.cli.instruments import instruments
        from hagan.cli.opening import open_sides
        from hagan.cli.shared_measuring import measure_together
        from hagan.evaluation.comparison import compare

        quiet = self.json or not world.is_first
        console = Console(highlight=False, soft_wrap=True, quiet=quiet)
        display = Display(console)
        with world.agreed():
            opened = open_sides(self, display, processes=world.size)
            measuring = instruments(self, opened.hounsfield)
            config = self.config()
        with display.sets() as (begin, tick):
            if world.size > 1:
                measure_together(opened.sides, measuring, config, world, begin, tick)
            if not world.is_first:
                return 0
            comparison = compare(
                opened.sides, measuring, config, opened.facts, on_begin=begin, on_progress=tick
            )
        comparison = replace(comparison, warnings=(*opened.notes, *comparison.warnings))
        self.finish(comparison, opened.sides, console)
        return 0

    @property
    def command(self) -> str:
        """The command line that gives the figures again."""
        return shlex.join(["hagan", *sys.argv[1:]]) if "evaluate" in sys.argv else "hagan evaluate"

    def config(self) -> EvaluationConfig:
        """The preset with the flags on top."""
        return replace(
            PRESETS[self.preset](),
            count=self.count,
            resamples=self.resamples,
            seed=self.seed,
            anchors=self.anchors and PRESETS[self.preset]().anchors,
            slabs=self.slabs,
        )

    def finish(self, comparison: Comparison, sides: Sides, console: Console) -> None:
        """Write every file and print the tables."""
        from hagan.cli.results import print_tables, write_results
        from hagan.evaluation.tables import json_text

        write_results(comparison, sides, self.out, self.command)
        if self.json:
            print(json_text(comparison, self.command), end="")
            return
        print_tables(comparison, console)
        console.print(
            f"\nwrote {self.out / 'report.html'}, {RESULTS}, results.csv, results.md and features\n"
            "next: open report.html and look at the samples before believing a figure"
        )


def _holds_features(path: Path) -> bool:
    return path.suffix == ".npz"


def _claim(out: Path) -> None:
    """Refuse a folder that holds something else.

    Raises:
        UsageError: It does.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / RESULTS).is_file():
        raise UsageError(f"{out} holds other files and no {RESULTS}; choose another --out")
    if out.is_file():
        raise UsageError(f"{out} is a file; --out names a folder")


class Display:
    """Progress: a live bar on a terminal, a plain line a set otherwise."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """One bar for one thing."""
        with self.sets() as (begin, tick):
            begin(what, total)
            yield tick

    @contextmanager
    def sets(self) -> Iterator[tuple[Callable[[str, int], None], Callable[[], None]]]:
        """A bar that begins anew with each set."""
        from rich.progress import Progress

        live = self.console.is_terminal and not self.console.quiet
        with Progress(console=self.console, disable=not live, transient=True) as bar:
            task = bar.add_task("", total=None)

            def begin(what: str, total: int) -> None:
                if not live:
                    suffix = f" ({total})" if total else ""
                    self.console.print(f"{what}{suffix}", markup=False)
                bar.reset(task, total=total or None, description=what)

            yield begin, lambda: bar.advance(task)
