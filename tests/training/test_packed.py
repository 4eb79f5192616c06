"""Tensors of several types and shapes come back from the flat ones that travel."""

from __future__ import annotations

import torch

from hagan.training.packed import Packed


def test_what_was_done_to_the_flat_ones_reaches_the_tensors() -> None:
    tensors = [
        torch.randn(2, 3),
        torch.randn(4, dtype=torch.float64),
        torch.randn(()),
        torch.randn(3, 2).t(),
    ]
    expected = [2 * tensor for tensor in tensors]
    packed = Packed(tensors)
    assert len(packed.flat) == 2
    assert sum(flat.numel() for flat in packed.flat) == 17
    for flat in packed.flat:
        flat.mul_(2)
    packed.unpack()
    for tensor, twice in zip(tensors, expected, strict=True):
        assert torch.equal(tensor, twice)
