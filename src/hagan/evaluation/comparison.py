"""The whole comparison: fake sets beside the floor and the anchors, by every measure at hand.

The floor is training volumes against the same real ones, by as many volumes: what a perfect
generator would score. The anchors need no network; what one of them beats a generator in, the
generator has yet to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.bench import ABOUT_TRAINING, VOLUMES, Bench, Instruments, RowKind
from hagan.evaluation.fitness import fitness_of
from hagan.evaluation.intensities import difference
from hagan.evaluation.lineup import line_up
from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import Measured, measure_set
from hagan.evaluation.memorisation import ALARM_SHARE, BLOCK_SHARE
from hagan.evaluation.scores import Score, Unavailable
from hagan.evaluation.sets import VolumeSet

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
    lined = line_up(sides.fakes, sides.real, sides.train, instruments, config)
    found: dict[int, Measured] = {}
    for volumes, wanted in lined.measured():
        if on_begin is not None:
            on_begin(volumes.name, len(volumes))
        found[id(volumes)] = measure_set(volumes, wanted, instruments.cache, on_progress)
    real, train = found[id(sides.real)], found[id(sides.train)]
    mirrored = None if lined.mirrored is None else found[id(lined.mirrored)]
    rows = [Row(volumes.name, kind, found[id(volumes)]) for volumes, kind in lined.rows]
    bench = Bench(instruments, lined.measures, real, train, mirrored, facts, config)
    for row, (volumes, _) in zip(rows, lined.rows, strict=True):
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
