"""Everything that an evaluation names, opened and brought to one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hagan.cli.sides import held_back, is_run, open_run, open_side, split_by_fold
from hagan.cli.train import pick_device
from hagan.errors import UsageError
from hagan.evaluation.comparison import Sides
from hagan.evaluation.grid import agree
from hagan.evaluation.measure import Fact
from hagan.evaluation.sets import Part, VolumeSet
from hagan.evaluation.sources import Grid, Source, halves

if TYPE_CHECKING:
    from hagan.cli.evaluate import Display, Evaluate

DEFAULT_COUNT = 200
"""Volumes that a run makes."""

NOTHING = "nothing"
"""What a run held back that was trained on every scan of its store."""


@dataclass(frozen=True, eq=False)
class Opened:
    """Everything that was named, on one grid.

    Attributes:
        sides: The sets.
        facts: What every figure depends on.
        notes: What a reader must know.
        hounsfield: Hounsfield units of -1 and 1; None where intensities are something else.
    """

    sides: Sides
    facts: dict[str, Fact]
    notes: list[str]
    hounsfield: tuple[float, float] | None


def open_sides(flags: Evaluate, display: Display, *, processes: int = 1) -> Opened:
    """Open the sides of a command line.

    Args:
        flags: The command line.
        display: For progress.
        processes: How many do the same at once, and share a CPU's memory.

    Raises:
        UsageError: Flags that contradict each other.
        BadInputError: A side that cannot be judged, or sides that cannot be compared.
    """
    notes: list[str] = []
    real, train = _real_and_train(flags, display, notes)
    device = pick_device(flags.device)
    count = flags.count or DEFAULT_COUNT
    fakes: dict[str, Source] = {
        _name(path, flags.fakes): open_run(path, count, flags.seed, device, processes)
        if is_run(path)
        else open_side(path, display.counting)
        for path in flags.fakes
    }
    named = {"real": real, **({"train": train} if train else {}), **fakes}
    grids, warnings = agree(
        named,
        resample=flags.resample,
        nearest=flags.nearest,
        window=flags.window,
        scan_windows=flags.scan_windows,
    )
    notes += warnings
    for name, side in named.items():
        notes += [f"{name}: left out {text}" for text in side.refused]
        notes += [f"{name}: {text}" for text in side.notes]
    reference, other = _reference(real, train, grids, notes)
    window = grids["real"].window
    is_ct = any(side.is_ct for side in named.values())
    return Opened(
        Sides(
            [side.volumes(name, grids[name]) for name, side in fakes.items()],
            *(reference, other),
            train_is_known=train is not None,
        ),
        {
            "grid": " x ".join(map(str, grids["real"].shape)),
            "resampling": _resampling(flags),
            "window": "each scan's own" if window is None else f"{window.low:g} to {window.high:g}",
            "preset": flags.preset,
        },
        notes,
        (window.low, window.high) if window is not None and is_ct else None,
    )


def _resampling(flags: Evaluate) -> str:
    if not flags.resample:
        return "none"
    return "nearest voxel" if flags.nearest else "triangle filter"


def _real_and_train(
    flags: Evaluate, display: Display, notes: list[str]
) -> tuple[Source, Source | None]:
    """The reference, and what the generators were trained on where that is known."""
    assert flags.real is not None
    if flags.train is not None and flags.fold is not None:
        raise UsageError("give --train or --fold, not both")
    real = open_side(flags.real, display.counting)
    if flags.train is not None:
        return real, open_side(flags.train, display.counting)
    runs = [path for path in flags.fakes if is_run(path)]
    fold = _fold(flags.fold, {path: held_back(path, flags.real) for path in runs}, notes)
    return (real, None) if fold is None else split_by_fold(real, fold)


def _fold(asked: str | None, held: dict[Path, str | None], notes: list[str]) -> str | None:
    """Which fold is the reference: the one asked for, else the one that the runs held back.

    Raises:
        UsageError: Runs of one store held back different folds and none was asked for.
    """
    own = {path: fold for path, fold in held.items() if fold is not None}
    folds = set(own.values()) - {NOTHING}
    if asked is None and len(folds) > 1:
        told = ", ".join(f"{path} {fold}" for path, fold in own.items())
        raise UsageError(f"the runs held back different folds ({told}); judge them one by one")
    fold = asked or next(iter(folds), None)
    if asked is None and fold is not None:
        notes.append(f"fold {fold}, which the run held back, is the reference")
    for path, held_fold in own.items():
        if held_fold != fold:
            told = held_fold if held_fold == NOTHING else f"fold {held_fold}"
            notes.append(
                f"{path.name} held back {told} of this store: it has seen reference volumes, so "
                "its figures flatter it"
            )
    return fold


def _reference(
    real: Source, train: Source | None, grids: dict[str, Grid], notes: list[str]
) -> tuple[VolumeSet, VolumeSet]:
    """The real volumes and the others; without a training side, halves by subject."""
    whole = real.volumes("real", grids["real"])
    if train is not None:
        return whole, train.volumes("train", grids["train"])
    first, second = halves(list(whole.subjects))
    notes.append(
        f"the real volumes were split by subject: {len(first)} are the reference, "
        f"{len(second)} give the floor and the anchors"
    )
    return Part("real", whole, first), Part("train", whole, second)


def _name(path: Path, all_paths: Sequence[Path]) -> str:
    """The last part of a path, or all of it where two would be called the same."""
    same = [other for other in all_paths if other.name == path.name]
    name = path.name if len(same) == 1 else str(path)
    return f"{name} (judged)" if name in ("real", "train") else name
