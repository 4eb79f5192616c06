"""G^H slab by slab: the volume of one pass, whatever the slabs, the normalisation and the shape."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hagan.config.ha_gan import HAGANConfig
from hagan.networks.ha_gan.generator import Generator

SHAPES = [(32, 32, 32), (48, 32, 40), (80, 48, 64)]


def made(shape: tuple[int, int, int], norm: str) -> Generator:
    config = HAGANConfig(volume_shape=shape, width=8, num_slabs=1)
    torch.manual_seed(0)
    generator = Generator(
        latent_dim=16,
        label_dim=0,
        base_shape=config.base_shape,
        num_doublings=config.num_doublings,
        high_doublings=config.high_doublings,
        width=8,
        common_norm="group",
        high_norm="rms" if norm == "none" else norm,  # type: ignore[arg-type]
        low_branch=False,
    )
    if norm == "none":
        for act in generator.high.acts:
            act.norm = nn.Identity()
    for parameter in generator.high.acts.parameters():
        nn.init.normal_(parameter, 1, 0.5)
    return generator.eval()


def joined(generator: Generator, features: Tensor, depth: int) -> Tensor:
    return torch.cat(list(generator.high.slabs(features, depth)), dim=2)


@pytest.mark.parametrize("norm", ["rms", "group", "none"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("depth", [4, 12, 16, 1000])
def test_the_slabs_join_to_the_volume_of_one_pass(
    shape: tuple[int, int, int], norm: str, depth: int
) -> None:
    generator = made(shape, norm).double()
    with torch.no_grad():
        features = generator.common(torch.randn(2, 16).double())
        whole = generator.high(features)
    # Steep enough that tanh does not hide what is off.
    assert float(whole.std()) > 0.1
    torch.testing.assert_close(joined(generator, features, depth), whole, rtol=0, atol=1e-11)
    one = generator.high(features[:1])
    torch.testing.assert_close(joined(generator, features[:1], depth), one, rtol=0, atol=1e-11)


def test_the_statistics_of_groups_are_exact_where_sums_of_squares_would_cancel() -> None:
    generator = made((32, 32, 32), "group").double()
    with torch.no_grad():
        generator.high.convs[0].bias += 1e5
        features = generator.common(torch.randn(1, 16).double())
        whole = generator.high(features)
    torch.testing.assert_close(joined(generator, features, 8), whole, rtol=0, atol=1e-9)
    single = generator.float()
    assert bool(joined(single, features.float(), 8).isfinite().all())


@pytest.mark.parametrize("norm", ["rms", "group", "none"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_bit_depends_on_the_slabs(shape: tuple[int, int, int], norm: str) -> None:
    """A manifest's hash holds whether or not the volume was made slab by slab."""
    generator = made(shape, norm)
    with torch.no_grad():
        features = generator.common(torch.randn(1, 16))
        one_pass = generator.high(features)
    whole = joined(generator, features, shape[0])
    for depth in (4, 8, 20, 32):
        assert torch.equal(joined(generator, features, depth), whole), depth
    if norm == "group":
        torch.testing.assert_close(whole, one_pass, rtol=0, atol=1e-5)
    else:
        assert torch.equal(whole, one_pass)


def test_a_is_left_as_it_was_and_no_gradient_is_kept() -> None:
    generator = made((32, 32, 32), "group")
    features = generator.common(torch.randn(1, 16))
    before = features.detach().clone()
    for slab in generator.high.slabs(features, 8):
        assert slab.shape == (1, 1, 8, 32, 32)
        assert not slab.requires_grad
        # What is done with a slab reaches none that follows.
        slab.zero_()
    assert torch.equal(features, before)


def test_the_last_slab_is_what_is_left() -> None:
    generator = made((80, 48, 64), "rms")
    features = generator.common(torch.randn(1, 16))
    assert [slab.shape[2] for slab in generator.high.slabs(features, 32)] == [32, 32, 16]
    with pytest.raises(AssertionError):
        next(generator.high.slabs(features, 6))
