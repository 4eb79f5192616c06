"""Everything that measures and judges one set, whatever its row in the table is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.feature_scores import References, copy_scores, feature_scores
from hagan.evaluation.intensities import Intensities
from hagan.evaluation.measure import Fact, Measure
from hagan.evaluation.measuring import Cache, Measured
from hagan.evaluation.scores import Score, Unavailable
from hagan.evaluation.seams import Seams
from hagan.evaluation.sets import VolumeSet
from hagan.evaluation.sharpness import Sharpness
from hagan.evaluation.thumbnails import Thumbnail
from hagan.evaluation.volume_scores import similarity, volume_scores

VOLUMES = "volumes"
"""Heading of the figures that are read off the voxels."""

RowKind = Literal["fake", "floor", "copies", "anchor"]
"""Floor and copies are real volumes, so they are in no race."""


ABOUT_TRAINING = frozenset(
    ("memorised", "memorised_mirrored", "training_nearest", "training_distance")
)
"""Metrics that mean nothing unless the training volumes are known."""


@dataclass(frozen=True, eq=False)
class Instruments:
    """What measures: extractors, the classifier of planes if there is one, and the cache."""

    extractors: Sequence[Measure]
    planes: Measure | None
    cache: Cache


def measures_of(
    shape: tuple[int, int, int], instruments: Instruments, config: EvaluationConfig
) -> dict[str, Measure]:
    """Everything that is read off each volume, by the name that scores look for."""
    measures: dict[str, Measure] = {item.name: item for item in instruments.extractors}
    measures |= {
        "intensities": Intensities(),
        "sharpness": Sharpness(),
        "thumbnail": Thumbnail(),
    }
    if has_slabs(shape, config.slabs):
        measures["seams"] = Seams(config.slabs)
    if instruments.planes is not None:
        measures["planes"] = instruments.planes
    return measures


def has_slabs(shape: tuple[int, int, int], slabs: int) -> bool:
    """Whether volumes make equal slabs in which seams can be told from anatomy."""
    return slabs >= 3 and shape[0] % slabs == 0 and shape[0] // slabs >= 3


@dataclass(frozen=True, eq=False)
class Bench:
    """What every set is held against.

    Attributes:
        instruments: What measured.
        measures: Everything that was read off each volume.
        real: The reference.
        train: The training volumes.
        mirrored: The same, flipped; None where they were not measured.
        facts: What all figures depend on.
        config: The definitions.
    """

    instruments: Instruments
    measures: Mapping[str, Measure]
    real: Measured
    train: Measured
    mirrored: Measured | None
    facts: Mapping[str, Fact]
    config: EvaluationConfig

    def figures(
        self, fake: Measured, volumes: VolumeSet, kind: RowKind
    ) -> Iterator[tuple[str, Score | Unavailable]]:
        """Every figure of a set with its heading.

        Args:
            fake: What was read off the set.
            volumes: The set.
            kind: Its row; fakes and the floor get intervals.
        """
        sure = kind in ("fake", "floor")
        yield from self.quick_figures(fake, with_intervals=sure, is_floor=kind == "floor")
        if not self.config.only or "ms_ssim" in self.config.only:
            cache = self.instruments.cache
            yield (
                VOLUMES,
                similarity(
                    *(volumes, fake, self.real, self.config, self.facts, cache),
                    with_intervals=sure,
                ),
            )

    def quick_figures(
        self, fake: Measured, *, with_intervals: bool = False, is_floor: bool = False
    ) -> Iterator[tuple[str, Score | Unavailable]]:
        """Figures for which no volume is read again."""
        for extractor in self.instruments.extractors:
            found = feature_scores(
                fake,
                self.references(extractor),
                with_intervals=with_intervals,
                is_floor=is_floor,
            )
            yield from ((extractor.name, item) for item in found)
        if not is_floor:
            glance = self.references(self.measures["thumbnail"])
            copies = copy_scores(fake, glance, with_intervals=with_intervals)
            yield from ((VOLUMES, item) for item in copies)
        voxels = volume_scores(
            *(fake, self.real, self.measures, self.config, self.facts),
            with_intervals=with_intervals,
        )
        yield from ((VOLUMES, item) for item in voxels)

    def references(self, measure: Measure) -> References:
        """What features of one measure are compared with."""
        return References(
            *(measure.name, measure.definition, self.real, self.train, self.mirrored),
            *(self.facts, self.config),
        )
