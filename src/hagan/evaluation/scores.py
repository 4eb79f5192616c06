"""A figure and the definition it stands for: neither exists without the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hagan import __version__
from hagan.evaluation.bootstrap import Interval
from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import Measured, digest

Direction = Literal["lower", "higher", "one", "none"]
"""What is better: less, more, nearer to 1; or the figure is no judgement by itself."""


@dataclass(frozen=True)
class Metric:
    """What a metric is called and how it is read."""

    name: str
    title: str
    better: Direction
    meaning: str
    factor: float = 1.0
    """Tables show the value times this."""
    signed: bool = False
    """Whether an unbiased estimate may be negative."""
    share: bool = False
    """Whether it lies between 0 and 1."""

    def bounded(self, interval: Interval | None) -> Interval | None:
        """An interval within what values of this metric can be."""
        if interval is None or self.signed:
            return interval
        highest = 1.0 if self.share else math.inf
        low, high = (min(max(end, 0.0), highest) for end in (interval.low, interval.high))
        return replace(interval, low=low, high=high)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("fid", "Frechet distance", "lower", "of Gaussians fitted to the features"),
        Metric(
            "fid_infinity",
            "Frechet distance, n to infinity",
            "lower",
            "its bias extrapolated away",
            signed=True,
        ),
        Metric(
            "fid_components",
            "Frechet distance in components",
            "lower",
            "of standardised principal components of the real features: stabler at small n",
        ),
        Metric(
            "kid",
            "KID x 1000",
            "lower",
            "cubic-kernel MMD, unbiased: may be negative",
            1000.0,
            signed=True,
        ),
        Metric(
            "mmd",
            "MMD",
            "lower",
            "squared, unbiased; Gaussian kernel, median of both sets",
            signed=True,
        ),
        Metric("mmd_biased", "MMD, biased", "lower", "the same with the diagonals kept"),
        Metric(
            "mmd_real",
            "MMD, real bandwidth",
            "lower",
            "median of the real set: the same kernel for every set",
            signed=True,
        ),
        Metric("precision", "precision", "higher", "fakes within the real manifold", share=True),
        Metric("recall", "recall", "higher", "reals within the fake manifold", share=True),
        Metric("density", "density", "higher", "how deep within the real manifold fakes lie"),
        Metric(
            "coverage", "coverage", "higher", "reals with a fake among their neighbours", share=True
        ),
        Metric(
            "self_neighbour",
            "self-nearest-neighbour",
            "one",
            "distance of fakes to each other over that of reals; below 0.6: few faces",
        ),
        Metric(
            "memorised",
            "nearer to training than 5 % of held-out",
            "lower",
            "0.05 expected; above 0.10 alarming; above 0.20 do not release",
            share=True,
        ),
        Metric(
            "memorised_mirrored",
            "the same, mirrored training scans",
            "lower",
            "copies that were flipped left to right",
            share=True,
        ),
        Metric(
            "training_distance",
            "distance to nearest training scan",
            "one",
            "median over that of held-out scans; near 0: copies",
        ),
        Metric(
            "training_nearest",
            "nearest scan is a training one",
            "none",
            "share of samples; by chance as large as the training part of all real volumes",
            share=True,
        ),
        Metric("sharpness", "sharpness", "one", "high-pass energy, fake over real; 0.8 to 1.25"),
        Metric(
            "seam_gradient", "seams, gradient", "one", "steps at slab borders; above 1.2: visible"
        ),
        Metric(
            "seam_spectrum",
            "seams, spectrum",
            "one",
            "energy at the period of the slabs; scatters, so look at its interval",
        ),
        Metric(
            "ms_ssim",
            "MS-SSIM of pairs",
            "none",
            "lower is more diverse; compare with reals",
            share=True,
        ),
        Metric(
            "inception_score",
            "Inception Score",
            "higher",
            "mean of three middle planes; rank within one run only",
        ),
    )
}

REQUIRED = ("metric", "set_fake", "set_real", "n_fake", "n_real", "resampling", "hagan_version")
"""Facts without which no figure is given."""


@dataclass(frozen=True)
class Fingerprint:
    """Everything that a figure depends on."""

    facts: Mapping[str, Fact]

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED if self.facts.get(name) in (None, "")]
        assert not missing, f"a figure without its definition: {missing}"

    @property
    def id(self) -> str:
        """First 12 digits of the facts' SHA-256."""
        return digest(self.facts)[:12]

    @classmethod
    def of(
        cls,
        metric: str,
        fake: Measured,
        real: Measured,
        seed: int,
        *definitions: Mapping[str, Fact],
    ) -> Fingerprint:
        """Put together what a figure of two sets depends on.

        Args:
            metric: Its name.
            fake: The set that is judged.
            real: The reference.
            seed: Of all that is drawn.
            definitions: Facts of the measure, of the metric and of the comparison.
        """
        facts: dict[str, Fact] = {}
        for definition in definitions:
            facts |= definition
        facts |= {
            "metric": metric,
            "set_fake": fake.sha256,
            "set_real": real.sha256,
            "n_fake": len(fake),
            "n_real": len(real),
            "seed": seed,
            "hagan_version": __version__,
        }
        return cls(facts)


def prefixed(prefix: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Facts under names that say whose they are, such as `extractor.version`."""
    return {f"{prefix}.{name}": fact for name, fact in facts.items()}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure."""

    metric: str
    value: float
    n_fake: int
    n_real: int
    fingerprint: Fingerprint
    interval: Interval | None = None
    floor: float | None = None
    details: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.metric in METRICS, self.metric
        object.__setattr__(self, "interval", METRICS[self.metric].bounded(self.interval))

    def to_plain(self) -> dict[str, Any]:
        """What JSON holds."""
        interval = self.interval
        return {
            "value": self.value,
            "interval": None if interval is None else [interval.low, interval.high],
            "level": None if interval is None else interval.level,
            "resamples": None if interval is None else interval.resamples,
            "floor": self.floor,
            "n_fake": self.n_fake,
            "n_real": self.n_real,
            "fingerprint": self.fingerprint.id,
            **({"details": dict(self.details)} if self.details else {}),
        }


@dataclass(frozen=True)
class Unavailable:
    """A figure that was not given, and why."""

    metric: str
    reason: str
