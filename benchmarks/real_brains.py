"""Real brains in two halves: the floor, degraded copies in the order of their damage, and a run.

    python benchmarks/real_brains.py STORE OUT [RUN ...] [--extractors random-resnet10 astra-grid]

The store's subjects are split in halves by hagan's own rule. One half is the reference; the other
half, as it is, is the floor. Its copies are blurred, made noisy and shifted; runs that were trained
on the store may be judged beside them. Prints a Markdown table and leaves the whole report in OUT.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from hagan.cli.evaluate import Display, Evaluate
from hagan.cli.opening import Opened
from hagan.cli.results import write_results
from hagan.cli.sides import open_run
from hagan.data.store import Store
from hagan.evaluation.bench import VOLUMES
from hagan.evaluation.comparison import Sides
from hagan.evaluation.faults import add_noise, blur
from hagan.evaluation.measure import Fact
from hagan.evaluation.scores import METRICS
from hagan.evaluation.sets import Altered, Part, VolumeSet, Voxels
from hagan.evaluation.sources import Grid, StoreSource, halves
from hagan.evaluation.tables import short

SHOWN = ("fid", "fid_components", "kid", "mmd", "precision", "recall", "coverage")
SHOWN_OF_VOXELS = ("sharpness", "seam_gradient", "ms_ssim", "memorised", "memorised_mirrored")


def shift(volume: Voxels, voxels: int) -> Voxels:
    """Move to the head and to the back, background behind."""
    moved = np.full_like(volume, -1.0)
    moved[voxels:, voxels:] = volume[:-voxels, :-voxels]
    return moved


def noisy(sd: float, volume: Voxels, index: int) -> Voxels:
    return add_noise(volume, sd, np.random.default_rng((0, index)))


DAMAGE: dict[str, Callable[[Voxels, int], Voxels]] = {
    "blur 0.5": lambda v, _: blur(v, 0.5),
    "blur 1": lambda v, _: blur(v, 1.0),
    "blur 2": lambda v, _: blur(v, 2.0),
    "noise 0.05": partial(noisy, 0.05),
    "noise 0.1": partial(noisy, 0.1),
    "shift 1": lambda v, _: shift(v, 1),
    "shift 2": lambda v, _: shift(v, 2),
    "shift 4": lambda v, _: shift(v, 4),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--extractors", nargs="+", default=["random-resnet10"])
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    store = Store.open(given.store)
    grid = Grid(store.volume_shape, None)
    whole = StoreSource(store).volumes("real", grid)
    first, second = halves(list(whole.subjects))
    reference, other = Part("real", whole, first), Part("train", whole, second)
    fakes: list[VolumeSet] = [Altered(name, other, alter) for name, alter in DAMAGE.items()]
    fakes += [
        open_run(path, len(second), 0, "cpu").volumes(f"run {path.name}", grid)
        for path in given.runs
    ]
    flags = Evaluate(extractors=tuple(given.extractors), cache=given.cache)
    display = Display(Console(soft_wrap=True, highlight=False, stderr=True))
    began = time.perf_counter()
    sides = Sides(fakes, reference, other, train_is_known=True)
    facts: dict[str, Fact] = {"resampling": "none", "window": "each scan's own", "preset": "hagan"}
    found = flags.compare(Opened(sides, facts, notes=[], hounsfield=None), display)
    command = shlex.join(["python", *sys.argv])
    given.out.mkdir(parents=True, exist_ok=True)
    write_results(found, sides, given.out, command)
    print(f"\n{command}\n{time.perf_counter() - began:.0f} s; {len(first)} against {len(second)}\n")
    columns = [(heading, metric) for heading in found.extractors for metric in SHOWN]
    columns += [(VOLUMES, metric) for metric in SHOWN_OF_VOXELS]
    print("| set | " + " | ".join(f"{METRICS[m].title} ({h})" for h, m in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for row in found.rows:
        cells = []
        for heading, metric in columns:
            score = row.scores.get(heading, {}).get(metric)
            cells.append("" if score is None else short(score.value * METRICS[metric].factor))
        print(f"| {row.name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
