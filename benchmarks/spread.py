"""How far do generated volumes spread, and where? Component by component against real ones.

    python benchmarks/spread.py STORE RUN [RUN ...] --fold 0/3 [--count 104]

Principal components are those of the training scans of the fold, in [-1, 1]. For bands of them the
table gives the standard deviation of generated volumes over that of the training scans, then what
lies beside all components as a share of the scans' variance, and how far the mean of the generated
volumes is from the scans' mean, as a share of the same. Held-out scans are the first row: what is
as far as they are is as far as real ones. A band below theirs is variety that is missing; a mean
that is off is something that every volume has wrong. The last column is the share of volumes with
holes: more than 1 % of what is tissue in every training scan is near the air of [-1, 1].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from speed_parts.machine import commit, cpu

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.store import Store
from hagan.inference.sampler import Sampler

BANDS = (0, 1, 2, 4, 8, 16, 32, 64, 128)
TISSUE, AIR, HOLE = -0.6, -0.75, 0.01

Rows = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--fold", default="0/3")
    parser.add_argument("--count", type=int, default=104)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    store, fold = Store.open(given.store), Fold.parse(given.fold)
    parts = [VolumeDataset(store, fold=fold, part=part) for part in ("train", "held-out")]
    train, held = (rows(data.volume(index).numpy() for index in range(len(data))) for data in parts)
    spread = Spread(train)
    print(f"{commit()}, {cpu()}; {len(train)} training scans, {given.count} volumes a run\n")
    heads = [f"{a + 1}-{b}" if b > a + 1 else str(b) for a, b in pairwise(spread.bands)]
    print(f"| volumes | {' | '.join(heads)} | beside | mean | holes |")
    print(f"|---|{'---|' * (len(heads) + 3)}")
    print(spread.row("held-out scans", held))
    for run in given.runs:
        sampler = Sampler.from_run(run)
        with torch.no_grad():
            made = rows(
                sampler.loaded.model.generate(sampler.latents(i, seed=given.seed)).numpy()
                for i in range(given.count)
            )
        print(spread.row(f"{run.parent.name}/{run.name}", made), flush=True)


def rows(volumes: Iterable[NDArray[np.float32]]) -> Rows:
    """Volumes, each as a row."""
    return np.stack([np.asarray(volume, np.float64).ravel() for volume in volumes])


class Spread:
    """Principal components of training scans, and how others lie along and beside them."""

    def __init__(self, train: Rows) -> None:
        self.mean = train.mean(axis=0)
        centred = train - self.mean
        _, _, self.axes = np.linalg.svd(centred, full_matrices=False)
        # The last one is rounding, as the mean is taken away.
        self.axes = self.axes[: len(train) - 1]
        self.variances = (centred @ self.axes.T).var(axis=0)
        self.tissue = (train > TISSUE).all(axis=0)
        self.total = centred.var(axis=0).sum()
        self.bands = [b for b in BANDS if b < len(self.axes)] + [len(self.axes)]

    def row(self, name: str, volumes: Rows) -> str:
        """A row of the table."""
        centred = volumes - self.mean
        along = centred @ self.axes.T
        ratios = [
            np.sqrt(along[:, a:b].var(axis=0).sum() / self.variances[a:b].sum())
            for a, b in pairwise(self.bands)
        ]
        beside = ((centred - along @ self.axes) ** 2).sum(axis=1).mean() / self.total
        off = (centred.mean(axis=0) ** 2).sum() / self.total
        holes = ((volumes[:, self.tissue] < AIR).mean(axis=1) > HOLE).mean()
        return f"| {name} | {' | '.join(f'{x:.2f}' for x in (*ratios, beside, off, holes))} |"


if __name__ == "__main__":
    main()
