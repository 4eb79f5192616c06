"""One classifier of Table V: trained on real scans and generated ones, judged on held-out scans.

A cell is a function of plain values, so that cells can run in processes of their own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.quantised import dequantise
from hagan.data.store import Store
from hagan.evaluation.classification import classified, in_proportion
from hagan.evaluation.classifier import predict, train_classifier


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a classifier is trained on, and its seed."""

    store: Path
    fold: str
    added: int
    """Volumes beside the real ones, in the proportions of the real classes."""
    generated: Path | None
    """An .npy of those volumes as `labelled_samples` leaves it; None repeats real scans instead."""
    labels: tuple[int, ...]
    """Classes of the generated volumes, which may be more than are added."""
    seed: int
    epochs: int
    device: str

    @property
    def question(self) -> dict[str, Any]:
        """All that the answer depends on besides the scans, as JSON holds it."""
        values = asdict(self) | {"store": None, "labels": list(self.labels)}
        return values | {"generated": None if self.generated is None else self.generated.name}


def classify(cell: Cell) -> dict[str, Any]:
    """Train and judge.

    Raises:
        BadInputError: The fold has no labelled scans.
    """
    store = Store.open(cell.store)
    fold = Fold.parse(cell.fold)
    train = VolumeDataset(store, fold, only_labelled=True)
    test = VolumeDataset(store, fold, "held-out", only_labelled=True)
    real = _labels(train)
    classes = len(store.class_names)
    rng = np.random.default_rng(cell.seed)
    wanted = in_proportion(real, cell.added, classes)
    sources = [("real", number) for number in range(len(real))]
    pool = real if cell.generated is None else list(cell.labels)
    kind = "real" if cell.generated is None else "generated"
    for label in range(classes):
        count = wanted.count(label)
        numbers = np.flatnonzero(np.asarray(pool) == label)
        # More of a class than there is are drawn again.
        if count:
            drawn = rng.choice(numbers, count, replace=count > len(numbers))
            sources += [(kind, int(number)) for number in drawn]
    labels = [(real if kind == "real" else pool)[number] for kind, number in sources]
    made = None if cell.generated is None else np.load(cell.generated, mmap_mode="r")

    def volume(index: int) -> NDArray[np.float32]:
        kind, number = sources[index]
        if kind == "real":
            return store.load(train.entries[number])
        assert made is not None
        voxels = np.empty(made.shape[1:], np.float32)
        dequantise(made[number], voxels)
        return voxels

    network = train_classifier(
        volume, labels, classes, seed=cell.seed, epochs=cell.epochs, device=cell.device
    )
    said = [predict(network, [store.load(entry)], cell.device)[0] for entry in test.entries]
    found = asdict(classified(_labels(test), said, real, classes))
    return {**found, "trained_on": len(labels), "held_out": len(said)}


def _labels(part: VolumeDataset) -> list[int]:
    return [entry.label for entry in part.entries if entry.label is not None]
