"""E^H and E^G: sizes, and a slab's features equal to the whole volume's."""

from __future__ import annotations

import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.models.ha_gan import HAGAN


def model_with(norm: str) -> HAGAN:
    config = HAGANConfig(
        volume_shape=(32, 32, 32),
        width=8,
        latent_dim=16,
        high_norm=norm,  # type: ignore[arg-type]
    )
    torch.manual_seed(0)
    return HAGAN(config).double().eval()


@pytest.mark.parametrize("start", [0, 1, 7, 14, 27, 28])
def test_slab_features_equal_those_of_the_whole_volume(start: int) -> None:
    model = model_with("rms")
    volumes = torch.randn(2, 1, 32, 32, 32, dtype=torch.float64)
    span = model.selector.feature_span(start)
    with torch.no_grad():
        whole = model.encoder.high(volumes)
        part = model.encoder.high.slab_features(volumes, model.selector, start)
    torch.testing.assert_close(part, whole[:, :, span.start : span.stop], rtol=0, atol=1e-12)


def test_group_norm_encodes_slab_by_slab_as_the_paper() -> None:
    model = model_with("group")
    volumes = torch.randn(1, 1, 32, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        features = model.encode_features(volumes)
        third = model.encoder.high(volumes[:, :, 8:12])
        codes = model.encode(volumes)
    torch.testing.assert_close(features[:, :, 2:3], third)
    assert codes.shape == (1, 16)


@pytest.mark.parametrize("shape", [(32, 32, 32), (80, 48, 64)], ids=str)
@pytest.mark.parametrize("depth", [4, 12, 32, 1000])
def test_features_by_slab_with_a_halo_are_those_of_the_whole(
    shape: tuple[int, int, int], depth: int
) -> None:
    encoder = model_with("rms").encoder
    assert encoder is not None
    volumes = torch.randn(1, 1, *shape, dtype=torch.float64)
    with torch.no_grad():
        whole = encoder.high(volumes)
        joined = encoder.high.by_slab(volumes, depth, halo=True)
    torch.testing.assert_close(joined, whole, rtol=0, atol=1e-12)


def test_features_by_slab_without_a_halo_are_the_partitions() -> None:
    encoder = model_with("group").encoder
    assert encoder is not None
    volumes = torch.randn(2, 1, 32, 32, 32, dtype=torch.float64)
    joined = encoder.high.by_slab(volumes, 8, halo=False)
    parts = torch.cat([encoder.high(slab) for slab in volumes.split(8, dim=2)], dim=2)
    torch.testing.assert_close(joined, parts, rtol=0, atol=0)
    assert not torch.allclose(joined, encoder.high.by_slab(volumes, 8, halo=True), atol=1e-3)


def test_a_slab_goes_to_the_type_of_the_weights_and_gradients_come_back() -> None:
    encoder = model_with("rms").encoder
    assert encoder is not None
    volumes = torch.randn(1, 1, 32, 32, 32, requires_grad=True)
    features = encoder.high.by_slab(volumes, 8, halo=True)
    assert features.dtype == torch.float64
    (gradient,) = torch.autograd.grad(features.square().sum(), volumes)
    (expected,) = torch.autograd.grad(encoder.high(volumes.double()).square().sum(), volumes)
    torch.testing.assert_close(gradient, expected)
