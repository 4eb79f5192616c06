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
        assert set(range(*selector.spans(start)[1])) == middles
        assert set(range(*selector.feature_span(start))) == features


@pytest.mark.parametrize(("depth", "slab"), [(64, 8), (96, 24), (128, 16)])
def test_spans_of_three_doublings_hold_what_the_convolutions_reach(depth: int, slab: int) -> None:
    selector = SlabSelector(depth, slab, 3)
    for start in range(depth - slab + 1):
        reached = set(range(start, start + slab))
        for level in (2, 1, 0):
            reached = {(o + tap) // 2 for o in reached for tap in (-1, 0, 1)}
            reached &= set(range(depth // 2 ** (3 - level)))
            assert set(range(*selector.spans(start)[level])) == reached


@pytest.mark.parametrize("doublings", [2, 3, 4])
def test_the_encoders_span_holds_what_its_layers_reach(doublings: int) -> None:
    """Against E^H's layers tap by tap: kernels of 4 halve, one of 3 lies before the last."""
    depth, slab = 32 * 2**doublings, 4 * 2**doublings
    selector = SlabSelector(depth, slab, doublings)
    layers = [(4, 2), (3, 1), *[(4, 2)] * (doublings - 1)]
    for start in (0, 1, slab // 2 + 1, depth // 2 - 3, depth - slab):
        reached = set(range(*selector.feature_span(start)))
        for kernel, stride in layers:
            reached = {o * stride - 1 + tap for o in reached for tap in range(kernel)}
        assert reached & set(range(depth)) <= set(range(*selector.encoder_span(start)))


def test_the_partition_is_every_slab_of_each_volume_in_turn() -> None:
    selector = SlabSelector(16, 4)
    volumes = torch.randn(2, 1, 16, 3, 5)
    slabs = selector.partition(volumes)
    expected = [selector.high(volume[None], t) for volume in volumes for t in selector.starts]
    assert torch.equal(slabs, torch.cat(expected))
