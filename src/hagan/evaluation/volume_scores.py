"""Figures that are read off the voxels themselves: sharpness, seams, MS-SSIM, Inception Score."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.evaluation.bootstrap import bootstrap
from hagan.evaluation.inception_score import InceptionScore
from hagan.evaluation.intervals import interval_of
from hagan.evaluation.measure import Fact, Measure, Statistic, Weights
from hagan.evaluation.measuring import Cache, Measured
from hagan.evaluation.ms_ssim import MultiScaleSSIM, pairs
from hagan.evaluation.scores import Fingerprint, Score, Unavailable, prefixed
from hagan.evaluation.sets import VolumeSet
from hagan.evaluation.sharpness import MeanRatio

PLANES = ("axial", "coronal", "sagittal")


def volume_scores(
    fake: Measured,
    real: Measured,
    measures: Mapping[str, Measure],
    config: EvaluationConfig,
    facts: Mapping[str, Fact],
    *,
    with_intervals: bool,
) -> Iterator[Score | Unavailable]:
    """Sharpness and seams against the real set, and the Inception Score of the fake one.

    Args:
        fake: The set that is judged.
        real: The reference.
        measures: By the name under which their values were measured: `sharpness`, `seams`, and
            `planes` where a classifier is at hand.
        config: The definitions.
        facts: What all figures depend on.
        with_intervals: Whether to resample.
    """

    def score(metric: str, statistic: Statistic, measure: Measure, **details: Fact) -> Score:
        return Score(
            metric=metric,
            value=float(statistic()),
            n_fake=len(fake),
            n_real=len(real),
            interval=interval_of(statistic, fake, real, config) if with_intervals else None,
            details=details,
            fingerprint=Fingerprint.of(
                *(metric, fake, real, config.seed), prefixed("measure", measure.definition), facts
            ),
        )

    def wanted(metric: str) -> bool:
        return not config.only or metric in config.only

    if wanted("sharpness"):
        sharp = measures["sharpness"]
        values = [measured.values[sharp.name] for measured in (fake, real)]
        yield score("sharpness", MeanRatio(*values), sharp)
    for column, metric in enumerate(("seam_gradient", "seam_spectrum")):
        if not wanted(metric):
            continue
        if "seams" in measures:
            seams = measures["seams"]
            values = [m.values[seams.name][:, [column]] for m in (fake, real)]
            yield score(metric, MeanRatio(*values), seams)
        else:
            yield Unavailable(metric, f"volumes are too thin for {config.slabs} slabs")
    if not wanted("inception_score"):
        return
    if "planes" in measures:
        classes = InceptionScore(fake.values[measures["planes"].name])
        by_plane = dict(zip(PLANES, classes.by_plane(), strict=True))
        yield score("inception_score", _of_fakes(classes), measures["planes"], **by_plane)
    else:
        yield Unavailable(
            "inception_score",
            "no ImageNet classifier: install hagan[weights] or give --inception FILE",
        )


def _of_fakes(function: Callable[[Weights | None], float]) -> Statistic:
    """A statistic of the fake set alone."""

    def statistic(
        fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        return function(fake_weights)

    return statistic


def similarity(
    volumes: VolumeSet,
    measured: Measured,
    real: Measured,
    config: EvaluationConfig,
    facts: Mapping[str, Fact],
    cache: Cache,
    *,
    with_intervals: bool,
    on_progress: Callable[[], None] | None = None,
) -> Score:
    """Mean MS-SSIM over pairs of a set: how alike its volumes are.

    At most two volumes are in memory. The same set gives the same pairs.
    """
    similar = MultiScaleSSIM(volumes.shape)
    chosen = pairs(len(volumes), config.seed)[: config.pairs]
    values = []
    kept: tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] | None = None
    for first, second in chosen:
        joint = "".join(sorted((measured.hashes[first], measured.hashes[second])))
        sha256 = hashlib.sha256(joint.encode()).hexdigest()
        vector = cache.get(similar, sha256)
        if vector is None:
            a = kept[1] if kept is not None and kept[0] == first else volumes.volume(first)
            b = volumes.volume(second)
            kept = (second, b)
            vector = np.array([similar(a, b)])
            cache.put(similar, sha256, vector)
        values.append(vector[0])
        if on_progress is not None:
            on_progress()
    array = np.array(values)
    interval = None
    if with_intervals and config.resamples and len(array) > 1:
        interval = bootstrap(
            _of_fakes(lambda w: float(np.average(array, weights=w))),
            len(array),
            len(real),
            resamples=config.resamples,
            seed=config.seed,
        )
    return Score(
        metric="ms_ssim",
        value=float(array.mean()),
        n_fake=len(measured),
        n_real=len(real),
        interval=interval,
        details={"pairs": len(array)},
        fingerprint=Fingerprint.of(
            *("ms_ssim", measured, real, config.seed),
            prefixed("measure", similar.definition),
            facts,
        ),
    )
