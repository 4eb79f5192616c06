"""What the paper's Tables II to VI give, to stand beside what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hagan.evaluation.significance import Summary

FOLDS = 5
"""Folds behind the paper's means and deviations."""

Published = Mapping[str, tuple[float, float]]
"""Mean and what follows the paper's plus-minus sign, by metric."""


def _scores(text: str) -> Published:
    """Mean and deviation of each metric from a table's line."""
    numbers = [float(word) for word in text.split()]
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return dict(zip(("fid", "mmd", "inception_score"), pairs, strict=False))


SYNTHESIS: Mapping[str, Mapping[int, Mapping[str, Published]]] = {
    "thorax": {
        128: {
            "wgan": _scores("0.012 0.011 0.092 0.059 1.99 0.07"),
            "vae-gan": _scores("0.139 0.002 1.065 0.008 1.19 0.03"),
            "alpha-gan": _scores("0.010 0.004 0.089 0.056 1.89 0.04"),
            "progressive-gan": _scores("0.015 0.007 0.150 0.072 1.75 0.11"),
            "style-gan": _scores("0.011 0.001 0.071 0.002 2.03 0.02"),
            "cce-gan": _scores("0.010 0.004 0.087 0.039 1.97 0.05"),
            "hagan": _scores("0.005 0.003 0.038 0.020 2.05 0.05"),
        },
        256: {
            "wgan": _scores("0.161 0.044 0.471 0.110 1.97 0.05"),
            "vae-gan": _scores("0.328 0.007 1.028 0.008 1.18 0.03"),
            "alpha-gan": _scores("0.043 0.094 0.323 0.080 1.96 0.03"),
            "progressive-gan": _scores("0.107 0.037 0.287 0.123 1.76 0.11"),
            "style-gan": _scores("0.081 0.003 0.225 0.008 2.06 0.01"),
            "cce-gan": _scores("0.074 0.038 0.252 0.116 1.95 0.04"),
            "hagan": _scores("0.008 0.003 0.022 0.010 2.09 0.06"),
        },
    },
    "brain": {
        128: {
            "wgan": _scores("0.006 0.002 0.406 0.143 1.37 0.02"),
            "vae-gan": _scores("0.075 0.004 0.667 0.026 1.03 0.01"),
            "alpha-gan": _scores("0.010 0.007 0.606 0.204 1.39 0.03"),
            "progressive-gan": _scores("0.017 0.008 0.818 0.217 1.25 0.10"),
            "style-gan": _scores("0.014 0.001 0.369 0.175 1.26 0.01"),
            "cce-gan": _scores("0.005 0.004 0.301 0.147 1.38 0.02"),
            "hagan": _scores("0.002 0.001 0.129 0.026 1.41 0.02"),
        },
        256: {
            "wgan": _scores("0.025 0.013 0.328 0.139 1.43 0.03"),
            "vae-gan": _scores("0.635 0.040 0.702 0.028 1.06 0.06"),
            "alpha-gan": _scores("0.029 0.016 0.428 0.141 1.34 0.08"),
            "progressive-gan": _scores("0.127 0.055 1.041 0.239 1.25 0.10"),
            "style-gan": _scores("0.048 0.001 0.370 0.020 1.32 0.01"),
            "cce-gan": _scores("0.030 0.011 0.411 0.106 1.41 0.04"),
            "hagan": _scores("0.004 0.001 0.086 0.029 1.50 0.03"),
        },
    },
}
"""Tables II (COPDGene) and III (GSP), by kind of scan, side, model and metric."""

ABLATION: Mapping[str, Mapping[int, Mapping[str, Published]]] = {
    "thorax": {
        256: {
            "without low branch": _scores("0.030 0.018 0.071 0.039"),
            "without encoder": _scores("0.010 0.003 0.034 0.006"),
            "deterministic r": _scores("0.014 0.003 0.035 0.007"),
            "whole": _scores("0.008 0.003 0.022 0.010"),
        },
    },
    "brain": {
        256: {
            "without low branch": _scores("0.118 0.078 0.876 0.182"),
            "without encoder": _scores("0.006 0.003 0.099 0.028"),
            "deterministic r": _scores("0.061 0.016 0.612 0.157"),
            "whole": _scores("0.004 0.001 0.086 0.029"),
        },
    },
}
"""Table IV, by kind of scan, side, variant and metric."""

CLINICAL: Mapping[str, Mapping[str, float]] = {
    "log fev1pp": {"hagan": 0.555, "alpha-gan": 0.512, "vae-gan": 0.215},
    "log ratio": {"hagan": 0.657, "alpha-gan": 0.622, "vae-gan": 0.315},
    "log laa_percent": {"hagan": 0.746, "alpha-gan": 0.738, "vae-gan": 0.375},
}
"""Table VI: R2 of COPDGene, by what the phantoms call the quantity, and by model."""

AUGMENTATION: Mapping[str, float] = {
    "real": 0.597,
    "real + alpha-gan": 0.617,
    "real + hagan": 0.629,
}
"""Table V: accuracy over five GOLD stages of COPDGene, by training set."""


@dataclass(frozen=True)
class Beside:
    """The paper's figures that stand beside ours."""

    side: int | None
    """At which they were measured; none if there are no such figures."""
    scores: Mapping[str, Published]
    """By model or variant."""


def beside(
    table: Mapping[str, Mapping[int, Mapping[str, Published]]], kind: str, side: int
) -> Beside:
    """The figures of a kind of scan at a side, or at the nearest that the paper has."""
    sides = table.get(kind, {})
    if not sides:
        return Beside(None, {})
    nearest = min(sides, key=lambda one: abs(one - side))
    return Beside(nearest, sides[nearest])


def summary(score: tuple[float, float]) -> Summary:
    """A figure of the paper as mean and deviation over its folds."""
    return Summary(score[0], score[1], FOLDS)
