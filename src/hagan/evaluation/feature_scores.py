"""All figures that come from one extractor's features of a fake, a real and a training set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation.bootstrap import Interval
from hagan.evaluation.extrapolation import LEAST_ROWS, extrapolate_frechet
from hagan.evaluation.frechet import Frechet
from hagan.evaluation.intervals import interval_of
from hagan.evaluation.kid import KID
from hagan.evaluation.measure import Fact, Matrix, Statistic
from hagan.evaluation.measuring import Measured
from hagan.evaluation.memorisation import Closeness, verdict
from hagan.evaluation.mmd import MMD, median_distance
from hagan.evaluation.neighbours import SMALLEST_SPREAD, Components, Neighbours
from hagan.evaluation.scores import Fingerprint, Score, Unavailable, prefixed


@dataclass(frozen=True, eq=False)
class References:
    """What every fake set is compared with, for one extractor.

    Attributes:
        extractor: Name of the measure that made the features.
        definition: Of the extractor.
        real: The reference: held-out real volumes.
        train: As many training volumes as there are fakes, or more.
        mirrored: The same, flipped left to right; None where they were not measured.
        facts: What all figures depend on: window, resampling and the like.
        config: The definitions.
    """

    extractor: str
    definition: Mapping[str, Fact]
    real: Measured
    train: Measured
    mirrored: Measured | None
    facts: Mapping[str, Fact]
    config: EvaluationConfig

    def features(self, measured: Measured) -> Matrix:
        """Features [n, f] of a set."""
        return measured.values[self.extractor]

    @cached_property
    def real_bandwidth(self) -> float:
        """Median distance within the real set."""
        return median_distance(self.features(self.real), offset=self.config.squared_offset)

    @cached_property
    def components(self) -> Components:
        """Of the real features."""
        return Components(self.features(self.real), self.config.components)

    @cached_property
    def training_components(self) -> Components:
        """Of the training features: a space in which held-out rows are strangers as samples are.

        In components of the held-out rows these are further from all others than fresh rows of
        the same kind, the more so the fewer they are, and honest samples pass for copies.
        """
        return Components(self.features(self.train), self.config.components)

    def reduced(self, measured: Measured) -> Matrix:
        """Features of a set in components of the real ones."""
        return self.components.project(self.features(measured))


def feature_scores(
    fake: Measured, references: References, *, with_intervals: bool, is_floor: bool = False
) -> Iterator[Score | Unavailable]:
    """Figures of one set, in the order of the table.

    Args:
        fake: The set that is judged.
        references: What it is compared with.
        with_intervals: Whether to resample.
        is_floor: The set is training volumes, which are no copies of themselves.
    """
    judge = _Judge(fake, references, with_intervals)
    yield from judge.distances()
    if len(fake) > references.config.neighbours and len(references.real) > (
        references.config.neighbours
    ):
        yield from judge.neighbourhoods(is_floor=is_floor)
    else:
        for metric in ("precision", "recall", "density", "coverage"):
            if judge.wanted(metric):
                yield Unavailable(metric, f"needs more than k = {references.config.neighbours}")


def copy_scores(
    fake: Measured, references: References, *, with_intervals: bool
) -> Iterator[Score | Unavailable]:
    """Only the figures about copies of training volumes, for a space that is made for them."""
    judge = _Judge(fake, references, with_intervals)
    yield from judge.closeness()


class _Judge:
    """One fake set against the references."""

    def __init__(self, fake: Measured, references: References, with_intervals: bool) -> None:
        self.fake = fake
        self.references = references
        self.with_intervals = with_intervals
        self.config = references.config
        self.fake_features = references.features(fake)
        self.real_features = references.features(references.real)
        self.fake_reduced = references.reduced(fake)
        self.real_reduced = references.reduced(references.real)
        self.space: dict[str, Fact] = {
            "components": self.real_reduced.shape[1],
            "smallest_spread": SMALLEST_SPREAD,
        }

    def wanted(self, metric: str) -> bool:
        return not self.config.only or metric in self.config.only

    def distances(self) -> Iterator[Score | Unavailable]:
        fake, real = self.fake_features, self.real_features
        yield from self.score("fid", lambda: Frechet(fake, real), {"form": "nuclear norm, float64"})
        if self.wanted("fid_infinity"):
            yield self.extrapolated()
        yield from self.score(
            "fid_components", lambda: Frechet(self.fake_reduced, self.real_reduced), self.space
        )
        kernel = "(x.y / f + 1)^3"
        yield from self.score("kid", lambda: KID(fake, real), {"kernel": kernel})
        offset = self.config.squared_offset
        for metric, bandwidth, unbiased in (
            ("mmd", self.pair_bandwidth, True),
            ("mmd_biased", self.pair_bandwidth, False),
            ("mmd_real", lambda: self.references.real_bandwidth, True),
        ):
            if not self.wanted(metric):
                continue
            width = bandwidth()
            yield from self.score(
                metric,
                lambda width=width, unbiased=unbiased: MMD(  # type: ignore[misc]
                    fake, real, bandwidth=width, unbiased=unbiased, offset=offset
                ),
                {
                    "kernel": "exp(-(d^2 + offset) / bandwidth^2)",
                    "bandwidth": float(f"{width:.9g}"),
                    "bandwidth_of": "real" if metric == "mmd_real" else "both",
                    "offset": offset,
                    "unbiased": unbiased,
                },
            )

    def pair_bandwidth(self) -> float:
        offset = self.config.squared_offset
        return median_distance(self.fake_features, self.real_features, offset=offset)

    def extrapolated(self) -> Score | Unavailable:
        least = min(len(self.fake), len(self.references.real))
        if least < LEAST_ROWS:
            return Unavailable("fid_infinity", f"n = {least}, extrapolating needs {LEAST_ROWS}")
        found = extrapolate_frechet(self.fake_features, self.real_features, seed=self.config.seed)
        return self.given(
            "fid_infinity",
            found.value,
            {"fit": "line on 1 / n, both sides shrunk alike", "sizes": str(found.sizes)},
            details={"slope": found.slope, "r2": found.r2},
        )

    def neighbourhoods(self, *, is_floor: bool) -> Iterator[Score | Unavailable]:
        fake, real = self.fake_reduced, self.real_reduced
        space = self.space | {"k": self.config.neighbours}
        neighbours = Neighbours(fake, real, k=self.config.neighbours)
        for metric in ("precision", "recall", "density", "coverage"):
            yield from self.score(metric, lambda m=metric: getattr(neighbours, m), space)  # type: ignore[misc]
        if self.wanted("self_neighbour"):
            yield self.own_neighbours(fake, space)
        if not is_floor:
            yield from self.closeness()

    def own_neighbours(self, fake: Matrix, space: Mapping[str, Fact]) -> Score | Unavailable:
        """Distances among fakes over those among as many training volumes."""
        # A nearest neighbour is nearer in a larger set, so the sizes must be the same.
        whole = self.references.train
        count = min(len(fake), len(whole))
        order = np.random.default_rng(self.config.seed).permutation(len(whole))
        train = whole.rows(sorted(order[:count].tolist()))
        try:
            k = min(self.config.neighbours, count - 1)
            spacing = Neighbours(fake, self.references.reduced(train), k=k).spacing
            value = spacing()
        except BadInputError as error:
            return Unavailable("self_neighbour", str(error))
        facts = {**space, "among": "as many training volumes"}
        return self.given("self_neighbour", value, facts, self.interval(spacing, train))

    def closeness(self) -> Iterator[Score | Unavailable]:
        """How near samples come to training scans, and to their mirror images."""
        facts: dict[str, Fact] = {
            "components_of": "training volumes",
            "smallest_spread": SMALLEST_SPREAD,
            "threshold": "5th percentile of held-out, Weibull positions",
        }
        for metric, training in (
            ("memorised", self.references.train),
            ("memorised_mirrored", self.references.mirrored),
        ):
            if training is None or not self.wanted(metric):
                continue
            try:
                space = self.references.training_components
                facts["components"] = len(space.axes)
                close = Closeness(
                    *(
                        space.project(rows)
                        for rows in (
                            self.fake_features,
                            self.references.features(training),
                            self.real_features,
                        )
                    )
                )
            except BadInputError as error:
                yield Unavailable(metric, str(error))
                continue
            share = close.copy_share()
            yield self.given(
                metric,
                share,
                facts,
                self.interval(close.copy_share),
                details={"verdict": verdict(share), "training_volumes": len(training)},
            )
            if metric == "memorised" and self.wanted("training_nearest"):
                expected, p = close.chance()
                nearest = close.training_nearest
                yield self.given(
                    "training_nearest",
                    nearest(),
                    facts,
                    self.interval(nearest),
                    details={"expected": expected, "p": p, "training_volumes": len(training)},
                )
            if metric == "memorised" and self.wanted("training_distance"):
                ratio = close.nearest_ratio
                yield self.given("training_distance", ratio(), facts, self.interval(ratio))

    def score(
        self,
        metric: str,
        build: Callable[[], Statistic],
        facts: Mapping[str, Fact],
        details: Mapping[str, Fact] | None = None,
    ) -> Iterator[Score]:
        """A figure with its interval."""
        if not self.wanted(metric):
            return
        statistic = build()
        value = float(statistic())
        yield self.given(metric, value, facts, self.interval(statistic), details)

    def interval(self, statistic: Statistic, against: Measured | None = None) -> Interval | None:
        """Resample the fakes and the set they are compared with, the real one if not named."""
        if not self.with_intervals:
            return None
        return interval_of(statistic, self.fake, against or self.references.real, self.config)

    def given(
        self,
        metric: str,
        value: float,
        facts: Mapping[str, Fact],
        interval: Interval | None = None,
        details: Mapping[str, Fact] | None = None,
    ) -> Score:
        return Score(
            metric=metric,
            value=value,
            n_fake=len(self.fake),
            n_real=len(self.references.real),
            interval=interval,
            details=details or {},
            fingerprint=Fingerprint.of(
                *(metric, self.fake, self.references.real, self.config.seed),
                prefixed("extractor", self.references.definition),
                self.references.facts,
                prefixed("metric", facts),
            ),
        )
