"""Do real strangers pass for copies, and are copies told? On random splits of a store.

    python benchmarks/strangers.py STORE [--splits 40]

Scans of a store are means over 16 x 16 x 16 boxes. Of each split, by subject, a fifth plays the
samples, a fifth is held out and the rest is for training. The share of samples nearer to training
scans than 5 % of held-out ones are should be 0.05 for strangers and 1 for copies, in components of
the held-out scans, in those of the training scans, and in the boxes themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from speed_parts.machine import commit, cpu

from hagan.data.dataset import VolumeDataset
from hagan.data.store import Store
from hagan.evaluation.measure import Matrix
from hagan.evaluation.memorisation import Closeness
from hagan.evaluation.neighbours import Components
from hagan.evaluation.thumbnails import Thumbnail

NOISE = 0.1
"""Standard deviation, in [-1, 1], of the noise over noisy copies."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--splits", type=int, default=40)
    given = parser.parse_args()
    store, at_a_glance = Store.open(given.store), Thumbnail()
    volumes = VolumeDataset(store)
    rng = np.random.default_rng(0)
    clean, noisy = [], []
    for index in range(len(volumes)):
        volume = volumes.volume(index).numpy()[0]
        clean.append(at_a_glance(volume))
        noisy.append(at_a_glance(volume + rng.normal(0, NOISE, volume.shape)))
    rows, with_noise = np.stack(clean), np.stack(noisy)
    subjects = np.array([entry.subject for entry in store.entries])
    spaces: dict[str, Callable[[Matrix, Matrix], Callable[[Matrix], Matrix]]] = {
        "components of held-out scans": lambda held, _: Components(held).project,
        "components of training scans": lambda _, train: Components(train).project,
        "boxes": lambda _, __: lambda rows: rows,
    }
    found: dict[str, list[tuple[float, ...]]] = {space: [] for space in spaces}
    for _ in range(given.splits):
        order = rng.permutation(np.unique(subjects))
        fifth = len(order) // 5
        part = np.split(order, [fifth, 2 * fifth])
        samples, held, train = (np.flatnonzero(np.isin(subjects, some)) for some in part)
        copied = train[: len(samples)]
        for space, build in spaces.items():
            project = build(rows[held], rows[train])
            near = [
                Closeness(*(project(some) for some in (who, rows[train], rows[held])))
                for who in (rows[samples], rows[copied], with_noise[copied])
            ]
            found[space].append((near[0].nearest_ratio(), *(one.copy_share() for one in near)))
    print(f"{commit()}, {cpu()}; {len(rows)} scans, {given.splits} splits\n")
    print("| space | median distance | strangers | most | copies | noisy copies |")
    print("|---|---|---|---|---|---|")
    for space, every in found.items():
        ratio, strangers, copies, noisy_copies = np.mean(every, axis=0)
        most = np.max(every, axis=0)[1]
        shares = (ratio, strangers, most, copies, noisy_copies)
        print(f"| {space} | {' | '.join(f'{share:.2f}' for share in shares)} |")


if __name__ == "__main__":
    main()
