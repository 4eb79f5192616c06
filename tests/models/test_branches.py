"""What the branches see: as many of the real volumes as of the fakes, in one order."""

from __future__ import annotations

import torch

from hagan.models.branches import Pair, RealBatch


def shapes(pair: Pair) -> list[int]:
    return [seen.shape[-1] for seen in pair.inputs]


def pair_of(*, low: bool, middle: bool) -> Pair:
    return Pair(
        torch.zeros(2, 1, 4, 32, 32),
        torch.zeros(2, 1, 8, 8, 8) if low else None,
        torch.zeros(2, 1, 16, 16, 16) if middle else None,
    )


def test_real_and_fake_are_seen_by_the_same_branches() -> None:
    """X^L is always made, for the codes of a warm start."""
    real = torch.rand(2, 1, 32, 32, 32)
    for low in (False, True):
        for middle in (False, True):
            fake = pair_of(low=low, middle=middle)
            batch = RealBatch(
                volumes=real,
                slab=real[:, :, :4],
                low=torch.zeros(2, 1, 8, 8, 8),
                start=0,
                labels=None,
                middle=fake.middle,
            )
            assert shapes(batch.beside(fake)) == shapes(fake) == [32] + [8] * low + [16] * middle


def test_a_change_reaches_each_of_them() -> None:
    changed = pair_of(low=True, middle=True).mapped(lambda seen: seen + 1)
    assert [float(seen.mean()) for seen in changed.inputs] == [1, 1, 1]
    assert pair_of(low=False, middle=False).mapped(lambda seen: seen + 1).low is None
