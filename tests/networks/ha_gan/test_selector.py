"""S^H, S^L, the draw of r, and the spans of slices that exactness needs."""

from __future__ import annotations

import pytest
import torch

from hagan.networks.ha_gan.selector import SlabSelector


def test_partition_covers_every_slice_once() -> None:
    selector = SlabSelector(64, 8)
    volumes = torch.arange(64.0).view(1, 1, 64, 1, 1).expand(2, 1, 64, 3, 3)
    slabs = [selector.high(volumes, start) for start in selector.starts]
    assert torch.equal(torch.cat(slabs, dim=2), volumes)


def test_every_start_is_drawn_and_none_beyond() -> None:
    selector = SlabSelector(32, 4)
    torch.manual_seed(0)
    drawn = [selector.draw_start() for _ in range(2000)]
    assert set(drawn) == set(range(29))
    counts = torch.bincount(torch.tensor(drawn)).double()
    # Chi-square with 28 degrees of freedom: 60 is far in its tail.
    assert float(((counts - counts.mean()) ** 2 / counts.mean()).sum()) < 60


def test_deterministic_starts_are_the_partition() -> None:
    selector = SlabSelector(32, 4)
    torch.manual_seed(0)
    assert {selector.draw_start(uniform=False) for _ in range(200)} == set(selector.starts)


def test_position_runs_from_zero_to_one() -> None:
    selector = SlabSelector(256, 32)
    assert selector.position(0) == 0.0
    assert selector.position(224) == 1.0
    assert selector.position(40) == pytest.approx(40 / 224)


@pytest.mark.parametrize(("depth", "slab"), [(32, 4), (64, 8), (80, 16), (256, 32)])
def test_spans_hold_what_the_convolutions_reach(depth: int, slab: int) -> None:
    """Against the receptive field counted tap by tap."""
    selector = SlabSelector(depth, slab)
    for start in range(depth - slab + 1):
        middles = {(o + tap) // 2 for o in range(start, start + slab) for tap in (-1, 0, 1)}
        middles &= set(range(depth // 2))
        features = {(m + tap) // 2 for m in middles for tap in (-1, 0, 1)} & set(range(depth // 4))
        assert set(range(*selector.middle_span(start))) == middles
        assert set(range(*selector.feature_span(start))) == features
