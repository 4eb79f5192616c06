"""Who is measured in a comparison, and by what: fakes, floor, anchors and the real volumes.

A comparison measures every set here in turn; several processes may measure them together first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation import anchors
from hagan.evaluation.bench import Instruments, RowKind, has_slabs, measures_of
from hagan.evaluation.measure import Measure
from hagan.evaluation.sets import Part, VolumeSet

FLOOR = "floor: other real volumes"


@dataclass(frozen=True, eq=False)
class LineUp:
    """Every set of a comparison.

    Attributes:
        real: The reference.
        train: Other real volumes, all of them.
        mirrored: The same, flipped; None without anchors.
        rows: What stands in the table: the fakes, the floor, then the anchors.
        measures: What is read off each volume, by the name that scores look for.
        glance: What is read off the flipped ones.
    """

    real: VolumeSet
    train: VolumeSet
    mirrored: VolumeSet | None
    rows: Sequence[tuple[VolumeSet, RowKind]]
    measures: Mapping[str, Measure]
    glance: Sequence[Measure]

    def measured(self) -> Iterator[tuple[VolumeSet, Sequence[Measure]]]:
        """Each set with what is read off it, in the order in which a comparison does."""
        every = list(self.measures.values())
        yield self.real, every
        yield self.train, every
        if self.mirrored is not None:
            yield self.mirrored, self.glance
        yield from ((volumes, every) for volumes, _ in self.rows)


def line_up(
    fakes: Sequence[VolumeSet],
    real: VolumeSet,
    train: VolumeSet,
    instruments: Instruments,
    config: EvaluationConfig,
) -> LineUp:
    """Cut the sets to one size and set the floor and the anchors beside them.

    Args:
        fakes: The sets to judge.
        real: The reference.
        train: Other real volumes.
        instruments: What to measure with.
        config: The definitions.

    Raises:
        BadInputError: A set has fewer than two volumes.
    """
    count = _count(fakes, real, train, config)
    rng = np.random.default_rng(config.seed)
    chosen = rng.permutation(len(train))[: count or None]
    cut = [Part(fake.name, fake, range(count or len(fake))) for fake in fakes]
    rows: list[tuple[VolumeSet, RowKind]] = [(fake, "fake") for fake in cut]
    rows.append((Part(FLOOR, train, sorted(chosen.tolist())), "floor"))
    mirrored = None
    if config.anchors:
        rows += _anchors(train, min(len(fake) for fake in cut), config)
        mirrored = anchors.mirrored(train, len(train), config.seed)
    measures = measures_of(real.shape, instruments, config)
    glance = [*instruments.extractors, measures["thumbnail"]]
    return LineUp(real, train, mirrored, rows, measures, glance)


def _count(
    fakes: Sequence[VolumeSet], real: VolumeSet, train: VolumeSet, config: EvaluationConfig
) -> int | None:
    """Volumes a set, the same for all; None where each is judged whole."""
    for volumes in (*fakes, real, train):
        if len(volumes) < 2:
            raise BadInputError(
                f"{volumes.name} has {len(volumes)} volume; two at the very least, and some "
                "hundreds for figures that mean something"
            )
    if not config.equal_counts and config.count is None:
        return None
    sizes = [len(volumes) for volumes in (*fakes, train)]
    return min([*sizes, config.count or max(sizes)])


def _anchors(
    train: VolumeSet, count: int, config: EvaluationConfig
) -> list[tuple[VolumeSet, RowKind]]:
    made: dict[str, tuple[VolumeSet, RowKind]] = {
        "copies": (anchors.copies(train, count, config.seed), "copies"),
        "mirrored copies": (anchors.mirrored(train, count, config.seed), "copies"),
        "PCA Gaussian": (anchors.gaussian(train, count, config.seed), "anchor"),
        "blurred copies": (anchors.blurred(train, count, config.seed), "anchor"),
    }
    if has_slabs(train.shape, config.slabs):
        stitched = anchors.stitched(train, count, config.seed, config.slabs)
        made["stitched slabs"] = (stitched, "anchor")
    for name, (volumes, _) in made.items():
        volumes.name = name
    return list(made.values())
