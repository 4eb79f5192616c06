"""Whether samples are copies of training volumes, held against how near real strangers come.

A held-out volume is no copy, so its distance to the nearest training volume says how near chance
brings one. Samples that come nearer than nearly all held-out volumes do are counted as copies. The
idea of a threshold from held-out data follows Dar et al. on diffusion models; that threshold is a
correlation, this one a distance of features.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from hagan.errors import BadInputError
from hagan.evaluation.distances import (
    check_features,
    nearest_distances,
    row_blocks,
    squared_distances,
    weighted_median,
)
from hagan.evaluation.measure import Matrix, Weights

EXPECTED_SHARE = 0.05
"""Share of held-out volumes below the threshold, and so of samples that copy nothing."""

ALARM_SHARE = 0.10
"""Share of samples above which a person should look at the nearest pairs."""

BLOCK_SHARE = 0.20
"""Share of samples above which neither samples nor weights should be released."""

Verdict = Literal["clear", "alarm", "block"]


class Closeness:
    """Distances of samples to the nearest training row, judged by those of held-out rows.

    `copy_share` and `nearest_ratio` are a `Statistic` each, whose fake weights are those of the
    samples. Weights of the real side change nothing: threshold and median are those of all
    held-out rows.

    Against mirrored training rows, which a generator trained with mirroring copies as readily, the
    threshold is taken anew, from the distances of the held-out rows to these: the expected share is
    0.05 there too.
    """

    def __init__(self, samples: Matrix, training: Matrix, held_out: Matrix) -> None:
        """Take features [n, f], [m, f] and [k, f].

        Raises:
            BadInputError: No samples or training rows, fewer than two held-out rows, rows that are
                not finite, different widths, or held-out rows that are copies of training rows.
        """
        check_features(least=1, **{"sample": samples, "training": training, "held-out": held_out})
        check_features(least=2, **{"held-out": held_out})
        self.samples = nearest_distances(samples, training)
        self.held_out = nearest_distances(held_out, training)
        pooled = np.concatenate([training, held_out])
        self.num_training, self.num_real = len(training), len(pooled)
        self.nearest = np.concatenate(
            [
                squared_distances(samples[block], pooled).argmin(axis=1)
                for block in row_blocks(len(samples), len(pooled))
            ]
        )
        # Of the plotting positions, only i / (n + 1) makes the expected share 0.05 for every n;
        # numpy's default would make it 0.068 for 50 held-out rows.
        self.threshold = float(np.quantile(self.held_out, EXPECTED_SHARE, method="weibull"))
        if self.threshold == 0.0:
            raise BadInputError(
                f"{int((self.held_out == 0.0).sum())} of {len(held_out)} held-out volumes have the "
                f"features of a training volume, expected none; split by subject"
            )

    def training_nearest(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Share of samples whose nearest real volume is a training one."""
        return float(np.average(self.nearest < self.num_training, weights=fake_weights))

    def chance(self) -> tuple[float, float]:
        """What `training_nearest` is expected to be without copying, and p of as much or more.

        Without copying the nearest real volume is as likely a training one as any other: smooth
        volumes, which lie near all real ones and so below the threshold, stay at that share. Each
        real volume counts once, since samples that are alike have the same nearest one.
        """
        expected = self.num_training / self.num_real
        distinct = np.unique(self.nearest)
        found = int((distinct < self.num_training).sum())
        return expected, float(stats.binom.sf(found - 1, len(distinct), expected))

    def copy_share(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Share of samples nearer to a training row than the threshold."""
        return float(np.average(self.samples < self.threshold, weights=fake_weights))

    def nearest_ratio(
        self, fake_weights: Weights | None = None, real_weights: Weights | None = None
    ) -> float:
        """Median distance of samples to the nearest training row over that of held-out rows."""
        return weighted_median(self.samples, fake_weights) / float(np.median(self.held_out))


def verdict(share: float) -> Verdict:
    """The word for a share of samples that are too near to training volumes."""
    if share > BLOCK_SHARE:
        return "block"
    return "alarm" if share > ALARM_SHARE else "clear"
