"""How sets of volumes are judged: every choice that a figure depends on, and presets by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from hagan.errors import UsageError

PresetName: TypeAlias = Literal["hagan", "ha-gan", "monai"]
Normalisation: TypeAlias = Literal["raw", "zscore_pos", "zscore_all"]


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """The definitions of all metrics; two figures compare only under the same ones."""

    preset: PresetName = "hagan"
    """Whose definitions these are."""

    equal_counts: bool = True
    """Judge every set by as many volumes as the smallest has, since distances fall with n."""

    count: int | None = None
    """Most volumes a set is judged by; none takes all."""

    resamples: int = 200
    """Of the bootstrap; 0 gives no intervals."""

    seed: int = 0
    """Of subsets, resamples, pairs and anchors."""

    anchors: bool = True
    """Judge what no network made too: a PCA Gaussian, copies, blurred copies, stitched slabs."""

    slabs: int = 8
    """Along d: where seams are looked for, and of which the stitched anchor is made."""

    components: int = 48
    """Principal components of the real features in which neighbours are counted."""

    neighbours: int = 5
    """k of precision, recall, density and coverage."""

    squared_offset: float = 0.0
    """Added to squared distances in the Gaussian kernel of MMD."""

    ellipse_samples: int | None = None
    """N of the ellipse in the MDS figure; none takes the number of points."""

    embedded: int = 200
    """Most volumes a set in the MDS figure, whose cost grows with their square."""

    pairs: int = 100
    """Most pairs of volumes for MS-SSIM."""

    only: tuple[str, ...] = ()
    """Metrics to compute; none of them named computes all."""

    def __post_init__(self) -> None:
        for name in ("slabs", "components", "neighbours", "embedded", "pairs"):
            if getattr(self, name) < 2 and name != "neighbours":
                raise UsageError(f"{name} must be at least 2")
        if self.neighbours < 1:
            raise UsageError("neighbours must be at least 1")
        if self.resamples < 0 or self.seed < 0:
            raise UsageError("resamples and seed must not be negative")
        if self.count is not None and self.count < 2:
            raise UsageError("count must be at least 2: one volume has no spread")
        if not self.squared_offset >= 0:
            raise UsageError("squared_offset must not be negative")


def hagan() -> EvaluationConfig:
    """Equal counts, intervals, a floor and anchors: figures that can be trusted at small n."""
    return EvaluationConfig()


def ha_gan() -> EvaluationConfig:
    """What the authors of HA-GAN computed (Sun et al. 2022 and their released notebooks).

    All generated volumes (they took 2,048) against the whole held-out fold; features of
    MedicalNet's ResNet-50 on volumes in [-1, 1] without normalisation; MMD with one Gaussian
    kernel of the median distance of the pooled sample, 1e-5 added to squared distances; N of the
    ellipses 300.
    """
    return EvaluationConfig(
        preset="ha-gan",
        equal_counts=False,
        squared_offset=1e-5,
        ellipse_samples=300,
        only=("fid", "mmd", "mmd_biased", "inception_score"),
    )


def monai() -> EvaluationConfig:
    """MONAI's `FIDMetric` on given features: means, covariances with n - 1, all rows of both."""
    return EvaluationConfig(preset="monai", equal_counts=False, anchors=False, only=("fid",))


PRESETS = {"hagan": hagan, "ha-gan": ha_gan, "monai": monai}

TRAVERSAL_RESULTS, TRAVERSAL_PICTURE = "results.json", "traverse.png"
"""What a walk along a direction leaves beside its volumes."""
