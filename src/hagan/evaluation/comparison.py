"""The whole comparison: fake sets beside the floor and the anchors, by every measure at hand.

The floor is training volumes against the same real ones, by as many volumes: what a perfect
generator would score. The anchors need no network; what one of them beats a generator in, the
generator has yet to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation import anchors
from hagan.evaluation.bench import (
    ABOUT_TRAINING,
    VOLUMES,
    Bench,
    Instruments,
    RowKind,
    has_slabs,
    measures_of,
)
from hagan.evaluation.fitness import fitness_of
from hagan.evaluation.intensities import difference
from hagan.evaluation.measure import Fact, Measure
from hagan.evaluation.measuring import Measured, measure_set
from hagan.evaluation.memorisation import ALARM_SHARE, BLOCK_SHARE
from hagan.evaluation.scores import Score, Unavailable
from hagan.evaluation.sets import Part, VolumeSet

CHANCE = 0.05
"""p below which training scans are the nearest more often than by chance."""

UNKNOWN_TRAINING = "the training scans are not known: name them with --train or --fold"


@dataclass(frozen=True, eq=False)
class Sides:
    """Who is compared with whom.

    Attributes:
        fakes: The sets to judge.
        real: The reference: real volumes that no generator has seen.
        train: Other real volumes: the floor, the anchors, and what may have been memorised.
        train_is_known: Whether the generators were trained on `train`; else it is a half of the
            real volumes, and memorisation cannot be judged.
    """

    fakes: Sequence[VolumeSet]
    real: VolumeSet
    train: VolumeSet
    train_is_known: bool


@dataclass(frozen=True, eq=False)
class Row:
    """One set with its figures.

    Attributes:
        name: Of the set.
        kind: What it is in the table.
        measured: What was read off it.
        scores: By heading, an extractor's name or `volumes`, then by metric.
        unavailable: The same for figures that could not be given.
    """

    name: str
    kind: RowKind
    measured: Measured
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    unavailable: dict[str, dict[str, Unavailable]] = field(default_factory=dict)

    def add(self, heading: str, item: Score | Unavailable) -> None:
        """Keep a figure, or why there is none."""
        if isinstance(item, Score):
            self.scores.setdefault(heading, {})[item.metric] = item
        else:
            self.unavailable.setdefault(heading, {})[item.metric] = item


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that a report tells.

    Attributes:
        rows: The fakes, the floor, then the anchors.
        real: The reference.
        train: The training volumes, all of them.
        headings: Extractors by name, then `volumes`.
        unfit: Why an extractor may lead no headline, by its name.
        warnings: What a reader must know.
        config: The definitions.
    """

    rows: tuple[Row, ...]
    real: Measured
    train: Measured
    headings: tuple[str, ...]
    unfit: Mapping[str, str]
    warnings: tuple[str, ...]
    config: EvaluationConfig

    @property
    def extractors(self) -> tuple[str, ...]:
        """Headings of features."""
        return tuple(heading for heading in self.headings if heading != VOLUMES)

    @property
    def fakes(self) -> tuple[Row, ...]:
        """Rows of the sets that were to be judged."""
        return tuple(row for row in self.rows if row.kind == "fake")


def compare(
    sides: Sides,
    instruments: Instruments,
    config: EvaluationConfig,
    facts: Mapping[str, Fact],
    *,
    on_begin: Callable[[str, int], None] | None = None,
    on_progress: Callable[[], None] | None = None,
) -> Comparison:
    """Judge fake sets.

    Args:
        sides: The sets.
        instruments: What to measure with.
        config: The definitions.
        facts: What all figures depend on, such as window and resampling; part of fingerprints.
        on_begin: Called with the name and the size of each set before it is measured.
        on_progress: Called after each volume.

    Raises:
        BadInputError: A set has fewer than two volumes, or volumes that no figure describes.
    """
    count = _count(sides, config)
    rng = np.random.default_rng(config.seed)
    chosen = rng.permutation(len(sides.train))[: count or None]
    floor = Part("floor: other real volumes", sides.train, sorted(chosen.tolist()))
    fakes = [Part(fake.name, fake, range(count or len(fake))) for fake in sides.fakes]
    kinds: list[tuple[VolumeSet, RowKind]] = [(fake, "fake") for fake in fakes]
    kinds.append((floor, "floor"))
    if config.anchors:
        size = min(len(fake) for fake in fakes)
        kinds += _anchors(sides.train, size, config)

    measures = measures_of(sides.real.shape, instruments, config)

    def measured(volumes: VolumeSet, wanted: Sequence[Measure]) -> Measured:
        if on_begin is not None:
            on_begin(volumes.name, len(volumes))
        return measure_set(volumes, wanted, instruments.cache, on_progress)

    real = measured(sides.real, list(measures.values()))
    train = measured(sides.train, list(measures.values()))
    mirrored = None
    if config.anchors:
        flipped = anchors.mirrored(sides.train, len(sides.train), config.seed)
        mirrored = measured(flipped, [*instruments.extractors, measures["thumbnail"]])
    rows = [
        Row(volumes.name, kind, measured(volumes, list(measures.values())))
        for volumes, kind in kinds
    ]
    bench = Bench(instruments, measures, real, train, mirrored, facts, config)
    for row, (volumes, _) in zip(rows, kinds, strict=True):
        if on_begin is not None:
            on_begin(f"figures of {row.name}", 0)
        is_unknown = row.kind == "fake" and not sides.train_is_known
        for heading, item in bench.figures(row.measured, volumes, row.kind):
            if is_unknown and item.metric in ABOUT_TRAINING:
                row.add(heading, Unavailable(item.metric, UNKNOWN_TRAINING))
            else:
                row.add(heading, item)
    fitness = {item.name: fitness_of(item.definition) for item in instruments.extractors}
    return Comparison(
        rows=tuple(with_floors(rows)),
        real=real,
        train=train,
        headings=(*(extractor.name for extractor in instruments.extractors), VOLUMES),
        unfit={name: reason for name, reason in fitness.items() if reason is not None},
        warnings=tuple(_warnings(rows, real, train, sides)),
        config=config,
    )


def _count(sides: Sides, config: EvaluationConfig) -> int | None:
    """Volumes a set, the same for all; None where each is judged whole."""
    for volumes in (*sides.fakes, sides.real, sides.train):
        if len(volumes) < 2:
            raise BadInputError(
                f"{volumes.name} has {len(volumes)} volume; two at the very least, and some "
                "hundreds for figures that mean something"
            )
    if not config.equal_counts and config.count is None:
        return None
    sizes = [len(volumes) for volumes in (*sides.fakes, sides.train)]
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


def with_floors(rows: Sequence[Row]) -> Iterator[Row]:
    """Put the floor's value beside every other one."""
    floor = next(row for row in rows if row.kind == "floor")
    for row in rows:
        scores = {
            heading: {
                metric: replace(score, floor=floor.scores[heading][metric].value)
                if metric in floor.scores.get(heading, {})
                else score
                for metric, score in items.items()
            }
            for heading, items in row.scores.items()
        }
        yield replace(row, scores=scores)


def _warnings(rows: Sequence[Row], real: Measured, train: Measured, sides: Sides) -> Iterator[str]:
    for row in rows:
        if row.kind != "fake":
            continue
        told = difference(row.measured.values["intensities"], real.values["intensities"])
        if told is not None:
            yield f"{row.name}: {told}"
        distinct = len(set(row.measured.hashes))
        if distinct < len(row.measured):
            yield f"{row.name}: only {distinct} of {len(row.measured)} volumes differ at all"
        seen = set(row.measured.hashes) & (set(real.hashes) | set(train.hashes))
        if seen:
            yield f"{row.name}: {len(seen)} volumes are real ones, voxel by voxel"
        yield from copies_told(row)
    both = set(real.hashes) & set(train.hashes)
    if both:
        yield f"{len(both)} volumes are in both the real and the training set"
    together = set(real.subjects) & set(train.subjects)
    if together and sides.train_is_known:
        yield f"{len(together)} subjects are in both the real and the training set"
    least = min(len(row.measured) for row in rows)
    if least < 50:
        yield (
            f"n = {least}: distances at so few volumes are mostly bias; compare with the floor only"
        )


def copies_told(row: Row) -> Iterator[str]:
    """What must be said of samples that lie near training scans.

    Smooth volumes lie near all scans; only where training scans are the nearest more often than
    chance allows does nearness speak of copies.
    """
    for heading, scores in row.scores.items():
        flagged = [m for m in ("memorised", "memorised_mirrored") if m in scores]
        worst = max((scores[m].value for m in flagged), default=0.0)
        if worst <= ALARM_SHARE:
            continue
        nearest = scores.get("training_nearest")
        p = None if nearest is None else nearest.details["p"]
        told = (
            f"{row.name}: {worst:.0%} of the samples are nearer to training scans (or their mirror "
            f"images) than 5 % of held-out scans are ({heading})"
        )
        if nearest is None or not isinstance(p, float) or p < CHANCE:
            act = "do not release them" if worst > BLOCK_SHARE else "look closely"
            yield f"{told}; training scans are their nearest more often than by chance: {act}"
        else:
            yield (
                f"{told}, but no more of their nearest scans are training ones than chance allows "
                f"(p = {p:.2g}): smooth volumes lie near all scans; look at both side by side"
            )
