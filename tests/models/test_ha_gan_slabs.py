"""HA-GAN slab by slab: what one pass gives, in memory that the volume's depth does not change."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.models.ha_gan import HAGAN
from hagan.training.live_memory import peak_of


def model_of(shape: tuple[int, int, int], norm: str = "rms", **changes: Any) -> HAGAN:
    torch.manual_seed(0)
    sizes = {"width": 8, "latent_dim": 16, "num_slabs": 4}
    config = HAGANConfig(volume_shape=shape, high_norm=norm, **sizes | changes)  # type: ignore[arg-type]
    return HAGAN(config).eval().requires_grad_(False)


def drain(model: HAGAN, features: Tensor, depth: int) -> None:
    for _ in model.generator.high.slabs(features, depth):
        pass


def features_of(model: HAGAN) -> Tensor:
    low = model.config.low_shape
    return torch.rand(1, model.config.width, *low)


@pytest.mark.parametrize("norm", ["rms", "group"])
@pytest.mark.parametrize("num_classes", [0, 3])
def test_generated_slabs_join_to_the_volumes(norm: str, num_classes: int) -> None:
    model = model_of((48, 32, 40), norm, num_classes=num_classes).double()
    latents = model.draw_latents(2)
    labels = torch.eye(3, dtype=torch.float64)[:2] if num_classes else None
    slabs = list(model.generate_slabs(latents, labels, depth=16))
    assert [slab.shape for slab in slabs] == [(2, 1, 16, 32, 40)] * 3
    whole = model.generate(latents, labels)
    torch.testing.assert_close(torch.cat(slabs, dim=2), whole, rtol=0, atol=1e-11)


@pytest.mark.parametrize("alignment", ["exact", "floor"])
@pytest.mark.parametrize("norm", ["rms", "group"])
@pytest.mark.parametrize("shape", [(64, 48, 80), (32, 32, 32)], ids=str)
def test_codes_are_those_of_the_features_in_one_piece(
    shape: tuple[int, int, int], norm: str, alignment: str
) -> None:
    model = model_of(shape, norm, alignment=alignment).double()
    assert model.encoder is not None
    volumes = torch.rand(1, 1, *shape, dtype=torch.float64) * 2 - 1
    expected = model.encoder.ground(model.encode_features(volumes))
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(model.encode(volumes), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["rms", "group"])
def test_more_slices_of_the_same_size_take_no_more_memory(norm: str) -> None:
    """Beside A, which was there before, and the volume, which is not kept here."""
    peaks = {}
    for depth in (64, 112):
        model = model_of((depth, 64, 64), norm)
        features = features_of(model)
        peaks[depth] = peak_of(lambda: drain(model, features, 16))  # noqa: B023
        whole = peak_of(lambda: drain(model, features, depth))  # noqa: B023
        assert whole > 2 * peaks[depth]
    # The statistics of each two slices are a few numbers.
    assert abs(peaks[112] - peaks[64]) < 10_000


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["rms", "group"])
def test_twice_the_side_costs_four_times_at_the_same_depth(norm: str) -> None:
    """A slab is as wide as the volume: its memory follows h x w, where the whole's follows all."""
    peaks, wholes = {}, {}
    for side in (64, 128):
        model = model_of((side,) * 3, norm)
        features = features_of(model)
        peaks[side] = peak_of(lambda: drain(model, features, 16))  # noqa: B023
        wholes[side] = peak_of(lambda: drain(model, features, side))  # noqa: B023
    assert 3.9 < peaks[128] / peaks[64] < 4.1
    assert wholes[128] / wholes[64] > 7
    # A quarter of the depth for four times the area: the same memory but for the halo.
    model = model_of((128,) * 3, norm)
    thin = peak_of(lambda: drain(model, features, 4))
    assert thin < 2 * peaks[64]


@pytest.mark.parametrize("norm", ["rms", "group"])
@pytest.mark.parametrize("width", [8, 32])
@pytest.mark.parametrize("depth", [8, 16, 64])
def test_the_bytes_that_are_foretold_hold(norm: str, width: int, depth: int) -> None:
    model = model_of((64, 64, 64), norm, width=width)
    features = features_of(model)
    held = peak_of(lambda: drain(model, features, depth))
    foretold = model.slab_bytes(depth)
    assert held < foretold < 3 * held


@pytest.mark.parametrize("norm", ["rms", "group"])
def test_generating_holds_a_and_one_slab(norm: str) -> None:
    """G^A makes A whole: what it holds meanwhile is the floor that no slab goes below."""
    model = model_of((112, 64, 64), norm)
    latents = model.draw_latents(1)
    common = peak_of(lambda: model.generator.common(latents))
    slabs = peak_of(lambda: list(map(len, model.generate_slabs(latents, depth=8))))
    assert slabs <= max(common, features_of(model).nbytes + model.slab_bytes(8))
    assert slabs < 0.7 * peak_of(lambda: model.generate(latents))


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["rms", "group"])
def test_encoding_holds_one_slab_and_a_hat(norm: str) -> None:
    peaks = {}
    for depth, num_slabs in ((96, 3), (192, 6)):
        model = model_of((depth, 96, 96), norm, num_slabs=num_slabs)
        assert model.encoder is not None
        volumes = torch.rand(1, 1, depth, 96, 96)
        one_piece = peak_of(lambda: model.encoder.high(volumes))  # noqa: B023
        peaks[depth] = peak_of(lambda: model.encode(volumes)) - features_of(model).nbytes  # noqa: B023
        assert peaks[depth] < 40 / depth * one_piece * (1.5 if norm == "rms" else 1)
    assert peaks[192] < 1.01 * peaks[96]
