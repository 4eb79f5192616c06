"""Networks of patches: sizes of the literature, shapes, and which voxels depend on which."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hagan.networks.patch import PatchCritic, PatchGenerator


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_critic_of_32_ends_as_published() -> None:
    """32, 29, 13, 5, 1 with 64, 128, 256 channels, normalised at the second and third."""
    critic = PatchCritic(side=32, width=64, norm="batch")
    sizes, features = [], torch.zeros(1, 3, 32, 32, 32)
    for layer in critic.layers:
        features = layer(features)
        if isinstance(layer, nn.Conv3d):
            sizes.append((features.shape[1], features.shape[2]))
    assert sizes == [(64, 29), (128, 13), (256, 5), (1, 1)]
    kinds = [type(layer).__name__ for layer in critic.layers]
    assert kinds.count("BatchNorm") == 2
    convs = 64 * (3 * 64 + 64 * 128 + 128 * 256 + 256)
    assert count(critic) == convs + 64 + 1 + 2 * (128 + 256)


@pytest.mark.parametrize("side", [16, 32])
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_a_patch_has_one_score_and_every_weight_a_part_in_it(side: int, norm: str) -> None:
    torch.manual_seed(0)
    critic = PatchCritic(side=side, width=4, norm=norm)  # type: ignore[arg-type]
    scores = critic(torch.randn(2, 2, side, side, side), torch.randn(2, 1, side, side, side))
    assert scores.shape == (2,)
    scores.square().sum().backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in critic.parameters() if p.grad is not None)
    assert all(p.grad is not None for p in critic.parameters())


def test_a_patch_that_does_not_end_at_a_voxel_is_no_patch() -> None:
    with pytest.raises(AssertionError, match="20"):
        PatchCritic(side=20, width=4, norm="none")


def test_the_generator_is_the_published_residual_network() -> None:
    generator = PatchGenerator(width=64, blocks=6, norm="instance")
    w = 64
    convs = 27 * 3 * w + 64 * (2 * w * w + 8 * w * w) * 2 + 6 * 2 * 27 * 16 * w * w
    norms = 2 * (w + 2 * w + 4 * w) + 6 * 2 * 2 * 4 * w + 2 * (2 * w + w)
    assert count(generator) == convs + norms + 343 * w + 1


@pytest.mark.parametrize("norm", ["instance", "rms"])
@pytest.mark.parametrize("side", [16, 32])
def test_a_patch_has_the_size_of_its_surroundings(norm: str, side: int) -> None:
    torch.manual_seed(1)
    generator = PatchGenerator(width=4, blocks=2, norm=norm)  # type: ignore[arg-type]
    surroundings, noise = torch.randn(2, 2, side, side, side), torch.randn(2, 1, side, side, side)
    patches = generator(surroundings, noise)
    assert patches.shape == noise.shape
    assert float(patches.detach().abs().max()) <= 1.0
    alone = generator(surroundings[1:], noise[1:])
    torch.testing.assert_close(alone, patches[1:], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(generator(surroundings, -noise), patches), "noise matters"


def test_normalised_by_voxel_what_is_far_away_does_not_matter() -> None:
    """With one block a voxel reads 24 to each side; statistics of the patch read everything."""
    torch.manual_seed(2)
    surroundings = torch.randn(1, 2, 64, 16, 16, dtype=torch.float64)
    noise = torch.zeros(1, 1, 64, 16, 16, dtype=torch.float64)
    changed = surroundings.clone()
    changed[:, :, 40:] = 0.5
    for norm, far in (("rms", False), ("instance", True)):
        generator = PatchGenerator(width=4, blocks=1, norm=norm).double()  # type: ignore[arg-type]
        with torch.no_grad():
            apart = (generator(surroundings, noise) - generator(changed, noise)).abs()
        assert bool(apart[:, :, :12].max() > 1e-9) == far
        assert float(apart[:, :, 40:].max()) > 1e-3
