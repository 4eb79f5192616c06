"""The planted-fault suite: faults of known kind and strength, and who notices them.

A metric is worth what it notices. Three equal groups of different phantoms are drawn: a reference,
a group in which faults are planted, and a training group for what is about copies. The floor is
the same metric between random halves of the two first groups, so a reaction is told in standard
deviations of what chance alone does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import UsageError
from hagan.evaluation import anchors
from hagan.evaluation.bench import VOLUMES, Bench, Instruments, measures_of
from hagan.evaluation.faults import FAULTS, plant
from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import Measured, measure_set
from hagan.evaluation.scores import METRICS, Score
from hagan.evaluation.sets import Part, VolumeSet
from hagan.evaluation.volume_scores import similarity

SPLITS = 20
"""Random halves that the floor's mean and spread are taken from."""

NOTICED = 3.0
"""Standard deviations of the floor from which a reaction counts."""

HEADLINE = "fid"
"""The metric whose extractor must notice every fault of `MUST_BE_NOTICED`."""

COPIES, MIRRORED_COPIES = "copies of training", "mirrored copies"
"""Planted beside the faults: what metrics of memorisation are for."""

NOT_FOR_DISTANCES = frozenset((COPIES, MIRRORED_COPIES))
"""Faults that a distance between distributions cannot and need not notice."""


@dataclass(frozen=True)
class Reaction:
    """How one metric answered to one fault.

    Attributes:
        value: With the fault.
        floor: Mean without.
        deviations: How many standard deviations of the floor lie between, positive for worse.
    """

    value: float
    floor: float
    deviations: float

    @property
    def noticed(self) -> bool:
        """Whether it counts."""
        return self.deviations > NOTICED


@dataclass(frozen=True, eq=False)
class SelfTest:
    """What the suite found.

    Attributes:
        count: Volumes a set.
        side: Voxels along d.
        definitions: Of each extractor.
        reactions: By heading, metric and fault.
        planted: The faulty sets by fault, for pictures.
    """

    count: int
    side: int
    definitions: Mapping[str, Mapping[str, Fact]]
    reactions: Mapping[str, Mapping[str, Mapping[str, Reaction]]]
    planted: Mapping[str, VolumeSet]

    def missed(self, extractor: str) -> list[str]:
        """Faults that the Frechet distance of an extractor did not notice, but must."""
        found = self.reactions[extractor][HEADLINE]
        return [
            fault
            for fault, reaction in found.items()
            if fault not in NOT_FOR_DISTANCES and not reaction.noticed
        ]


def self_test(
    phantoms: VolumeSet,
    instruments: Instruments,
    config: EvaluationConfig,
    facts: Mapping[str, Fact],
    *,
    on_begin: Callable[[str, int], None] | None = None,
    on_progress: Callable[[], None] | None = None,
) -> SelfTest:
    """Plant every fault and ask every metric.

    Args:
        phantoms: Different subjects, a multiple of three; a third of them is n.
        instruments: What to measure with.
        config: The definitions; intervals are left out.
        facts: What all figures depend on.
        on_begin: Called with the name and the size of each set before it is measured.
        on_progress: Called after each volume.

    Raises:
        UsageError: Fewer than 3 x 10 phantoms.
    """
    count = len(phantoms) // 3
    if count < 10:
        raise UsageError(f"{len(phantoms)} phantoms are too few for a self-test; 30 at least")
    reference, base, train = (
        Part(name, phantoms, range(start * count, (start + 1) * count))
        for start, name in enumerate(("reference", "no fault", "training"))
    )
    measures = measures_of(phantoms.shape, instruments, config)

    def measured(volumes: VolumeSet) -> Measured:
        if on_begin is not None:
            on_begin(volumes.name, len(volumes))
        return measure_set(volumes, list(measures.values()), instruments.cache, on_progress)

    planted: dict[str, VolumeSet] = {
        name: plant(fault, base, config.seed) for name, fault in FAULTS.items()
    }
    planted[COPIES] = anchors.copies(train, count, config.seed)
    planted[MIRRORED_COPIES] = anchors.mirrored(train, count, config.seed)
    sets = {"reference": measured(reference), "train": measured(train)}
    sets["mirrored"] = measured(anchors.mirrored(train, count, config.seed))
    faulty = {name: measured(volumes) for name, volumes in planted.items()}
    plain = measured(base)
    bench = Bench(
        *(instruments, measures, sets["reference"], sets["train"], sets["mirrored"]),
        *(facts, replace(config, resamples=0)),
    )

    def all_scores(fake: Measured, real: Measured) -> Iterator[tuple[str, Score]]:
        for heading, item in replace(bench, real=real).quick_figures(fake):
            if isinstance(item, Score):
                yield heading, item

    floors = _floors(sets["reference"], plain, all_scores, config.seed)
    reactions: dict[str, dict[str, dict[str, Reaction]]] = {}
    for fault, fake in faulty.items():
        for heading, score in all_scores(fake, sets["reference"]):
            reaction = _reaction(score, floors[heading, score.metric])
            reactions.setdefault(heading, {}).setdefault(score.metric, {})[fault] = reaction
    alike = reactions.setdefault(VOLUMES, {}).setdefault("ms_ssim", {})
    of_plain = similarity(
        base, plain, sets["reference"], config, facts, instruments.cache, with_intervals=True
    )
    for fault, volumes in planted.items():
        found = similarity(
            volumes,
            faulty[fault],
            sets["reference"],
            bench.config,
            facts,
            instruments.cache,
            with_intervals=False,
        )
        alike[fault] = _reaction(found, _spread_of(of_plain))
    return SelfTest(
        count=count,
        side=phantoms.shape[0],
        definitions={item.name: item.definition for item in instruments.extractors},
        reactions=reactions,
        planted=planted,
    )


def _floors(
    reference: Measured,
    plain: Measured,
    all_scores: Callable[[Measured, Measured], Iterator[tuple[str, Score]]],
    seed: int,
) -> Mapping[tuple[str, str], Sequence[float]]:
    """Every metric between random halves of two groups without faults."""
    pool = Measured(
        "no fault",
        (*reference.subjects, *plain.subjects),
        (*reference.hashes, *plain.hashes),
        {
            name: np.concatenate([matrix, plain.values[name]])
            for name, matrix in reference.values.items()
        },
    )
    rng = np.random.default_rng(seed)
    floors: dict[tuple[str, str], list[float]] = {}
    for _ in range(SPLITS):
        order = rng.permutation(len(pool)).tolist()
        halves = pool.rows(order[: len(plain)]), pool.rows(order[len(plain) :])
        for heading, score in all_scores(*halves):
            floors.setdefault((heading, score.metric), []).append(score.value)
    return floors


def _spread_of(score: Score) -> Sequence[float]:
    """Two values whose mean and standard deviation are those of a score's interval."""
    assert score.interval is not None
    deviation = (score.interval.high - score.interval.low) / (2 * 1.96)
    away = deviation / math.sqrt(2)
    return score.value - away, score.value + away


def _reaction(score: Score, floor: Sequence[float]) -> Reaction:
    mean, spread = float(np.mean(floor)), float(np.std(floor, ddof=1))
    # A floor that never moves, such as a share of 0, is left by any change at all.
    unit = max(spread, 1e-9 * max(abs(mean), 1.0))
    better = METRICS[score.metric].better
    away = {"lower": score.value - mean, "higher": mean - score.value}.get(
        better, abs(score.value - mean)
    )
    return Reaction(score.value, mean, away / unit)
