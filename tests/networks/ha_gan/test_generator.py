"""G: sizes, exact slabs, and A at a quarter of the side."""

from __future__ import annotations

import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.models.ha_gan import HAGAN


def small(shape: tuple[int, int, int], **changes: object) -> HAGAN:
    config = HAGANConfig(volume_shape=shape, width=8, latent_dim=16, **changes)  # type: ignore[arg-type]
    torch.manual_seed(0)
    return HAGAN(config).double().eval()


@pytest.mark.parametrize(
    ("shape", "slabs"),
    [((32, 32, 32), 8), ((64, 32, 64), 8), ((80, 96, 112), 5), ((48, 40, 56), 6)],
)
def test_a_is_a_quarter_and_the_volume_has_the_shape(
    shape: tuple[int, int, int], slabs: int
) -> None:
    if shape == (64, 32, 64):
        shape = (64, 48, 64)
    model = small(shape, num_slabs=slabs)
    with torch.no_grad():
        latents = model.draw_latents(1)
        features = model.generator.common(latents)
        assert features.shape[2:] == tuple(size // 4 for size in shape)
        volume = model.generate(latents)
    assert volume.shape == (1, 1, *shape)
    assert float(volume.abs().max()) <= 1.0


@pytest.mark.parametrize("start", [0, 1, 2, 3, 5, 14, 27, 28])
def test_slab_equals_the_same_slab_of_the_whole_volume(start: int) -> None:
    model = small((32, 32, 32), high_norm="rms")
    with torch.no_grad():
        latents = model.draw_latents(2)
        whole = model.generate(latents)
        slab = model.pair_of(latents, None, start).slab
    torch.testing.assert_close(slab, whole[:, :, start : start + 4], rtol=0, atol=1e-12)


def test_slab_without_halo_is_off_as_the_released_code_is() -> None:
    model = small((32, 32, 32), high_norm="rms", alignment="floor")
    with torch.no_grad():
        latents = model.draw_latents(1)
        whole = model.generate(latents)
        slab = model.pair_of(latents, None, 14).slab
    assert float((slab - whole[:, :, 14:18]).abs().max()) > 1e-3


def test_gradient_of_a_slab_reaches_all_of_g_but_its_low_branch() -> None:
    model = small((32, 32, 32), high_norm="rms")
    model.pair_of(model.draw_latents(1), None, 6).slab.square().sum().backward()
    for name, parameter in model.generator.named_parameters():
        if not name.startswith("low."):
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().max()) > 0, name
