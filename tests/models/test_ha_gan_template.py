"""HA-GAN whose volumes begin with a learned one, and with the low-resolution volume stretched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.errors import UsageError
from hagan.models.ha_gan import HAGAN

DEEP = {"volume_shape": (64, 48, 64), "high_doublings": 3, "num_slabs": 4, "width": 16}
FORMS = [
    pytest.param({"template": True}, id="template"),
    pytest.param({"low_skip": True}, id="skip"),
    pytest.param({"template": True, "low_skip": True}, id="both"),
    pytest.param({"template": True, "low_skip": True, **DEEP}, id="deep"),
    pytest.param({"template": True, "low_skip": True, "middle_branch": True}, id="middle"),
    pytest.param({"template": True, "low_branch": False}, id="no-low"),
]


def made(**changes: Any) -> HAGAN:
    """A model in float64 that has looked at volumes, with norms whose slabs are exact in G^H."""
    torch.manual_seed(0)
    sizes = {"volume_shape": (48, 32, 40), "width": 8, "latent_dim": 16, "num_slabs": 6}
    model = HAGAN(HAGANConfig(**{"high_norm": "rms"} | sizes | changes)).double().eval()  # type: ignore[arg-type]
    model.look(iter([scans(model, 5)]))
    return model


def scans(model: HAGAN, count: int = 2) -> Tensor:
    """Volumes that share a shape and differ in brightness."""
    torch.manual_seed(1)
    shared = torch.rand(1, 1, *model.volume_shape, dtype=torch.float64) * 1.6 - 0.9
    return shared + 0.1 * torch.randn(count, 1, 1, 1, 1, dtype=torch.float64).clamp(-1, 1)


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).detach().abs().max())


@pytest.mark.parametrize("changes", FORMS)
def test_slabs_and_streams_are_the_whole_volume(changes: dict[str, Any]) -> None:
    model = made(**changes)
    codes = model.draw_latents(2)
    whole = model.generate(codes)
    depth = model.config.slab_shape[0]
    last = model.volume_shape[0] - depth
    for start in (0, 1, 2, 3, 5, 8, 13, last - 1, last):
        slab = model.pair_of(codes, None, start).slab
        assert difference(slab, whole[:, :, start : start + depth]) < 1e-10, start
    parts = model.pair_of(codes, None, 0, whole=True).slab
    assert difference(parts.view(2, 1, *whole.shape[2:]), whole) < 1e-10
    single = model.float()
    with torch.no_grad():
        of_single = single.generate(codes.float())
    for slabs_depth in (8, 16, 40, 64):
        slabs = torch.cat(list(single.generate_slabs(codes.float(), depth=slabs_depth)), dim=2)
        assert torch.equal(slabs, of_single), slabs_depth


@pytest.mark.parametrize("changes", FORMS)
def test_every_weight_of_g_learns_and_the_encoder_can(changes: dict[str, Any]) -> None:
    """A template's voxels learn where the slab lies."""
    model = made(**changes).train()
    batch = model.prepare(scans(model), None)
    sum(model.generator_loss(batch).values()).backward()  # type: ignore[union-attr]
    for name, parameter in model.generator.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name
    model.zero_grad()
    sum(model.high_encoder_loss(batch).values()).backward()  # type: ignore[union-attr]
    assert model.encoder is not None
    assert all(p.grad is not None for p in model.encoder.high.parameters())


def test_where_the_networks_add_nothing_the_mean_of_what_was_looked_at_is_left() -> None:
    model = made(template=True)
    volumes = scans(model, 5)
    assert model.generator.low is not None
    with torch.no_grad():
        for last in (model.generator.high.convs[-1], model.generator.low.last):
            last.weight.zero_()
            last.bias.zero_()
        pair = model.pair_of(model.draw_latents(2), None, 8)
        whole = model.generate(model.draw_latents(2))
    mean = volumes.mean(dim=0, keepdim=True)
    assert pair.low is not None
    assert difference(whole, mean.expand_as(whole)) < 1e-6
    assert difference(pair.low, model.shrink(mean).expand_as(pair.low)) < 1e-6
    assert difference(pair.slab, mean[:, :, 8:16].expand_as(pair.slab)) < 1e-6


def test_with_the_skip_g_h_adds_to_the_stretched_low_volume() -> None:
    """Where G^H adds nothing, the volume is that of G^L, stretched before tanh."""
    model = made(low_skip=True)
    last = model.generator.high.convs[-1]
    with torch.no_grad():
        last.weight.zero_()
        assert last.bias is not None
        last.bias.zero_()
        codes = model.draw_latents(2)
        whole = model.generate(codes)
        low = model.pair_of(codes, None, 0).low
    assert low is not None
    oracle = torch.nn.functional.interpolate(
        torch.atanh(low), scale_factor=4, mode="trilinear", align_corners=False
    )
    assert difference(whole, torch.tanh(oracle)) < 1e-9


def test_e_h_is_taught_with_the_base_of_the_real_low_volume() -> None:
    """With G^H adding nothing, Eq. (6) compares the slab with the real low volume, stretched."""
    model = made(low_skip=True, template=True)
    assert model.generator.high.template is not None
    last = model.generator.high.convs[-1]
    with torch.no_grad():
        last.weight.zero_()
        assert last.bias is not None
        last.bias.zero_()
        model.generator.high.template.grid.zero_()
        real = scans(model)
        batch = model.prepare(real, None)
        loss = model.high_encoder_loss(batch)["slab"]
        base = model.generator.base_of(batch.low)
    assert base is not None
    assert model.generator.low is not None
    assert difference(model.generator.low.finished(base), batch.low) < 1e-9
    stretched = torch.nn.functional.interpolate(
        base, scale_factor=4, mode="trilinear", align_corners=False
    )
    own = torch.tanh(stretched)[:, :, batch.start : batch.start + 8]
    expected = (own - batch.slab).abs().mean() * model.config.slab_weight
    assert float(loss) == pytest.approx(float(expected), rel=1e-9)


def test_nothing_else_of_a_run_is_drawn_otherwise() -> None:
    config = replace(recipe("hagan-32").model, width=8, latent_dim=16, template=False)
    models = []
    for template in (False, True):
        torch.manual_seed(0)
        models.append(HAGAN(replace(config, template=template)).state_dict())
    plain, other = models
    assert set(other) - set(plain) == {
        "generator.high.template.grid",
        "generator.low.template.grid",
    }
    assert all(torch.equal(plain[name], other[name]) for name in plain)


@pytest.mark.parametrize(
    "changes",
    [
        {"low_skip": True, "low_branch": False},
        {"template": True, "high_norm": "group", "whole_every": 4},
        {"low_skip": True, "alignment": "floor", "high_norm": "rms", "whole_every": 4},
    ],
)
def test_what_has_no_place_or_no_low_volume_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="low_skip"):
        HAGANConfig(volume_shape=(32, 32, 32), **changes)


@pytest.mark.parametrize("changes", [{"high_norm": "group"}, {"alignment": "floor"}])
@pytest.mark.parametrize("gradients", [True, False])
def test_slabs_that_are_not_exact_have_their_own_place_too(
    changes: dict[str, Any], *, gradients: bool
) -> None:
    """Where the networks add nothing, a slab is the mean at its place, the rebuilt one as well."""
    model = made(template=True, low_skip=True, num_slabs=3, **changes)
    assert model.generator.low is not None
    real = scans(model)
    with torch.no_grad():
        for last in (model.generator.high.convs[-1], model.generator.low.last):
            last.weight.zero_()
            last.bias.zero_()
        mean = model.generate(model.draw_latents(1))
    with torch.set_grad_enabled(gradients):
        for start in (0, 4, 20, 32):
            slab = model.pair_of(model.draw_latents(2), None, start).slab
            own = mean[:, :, start : start + 16]
            assert difference(slab, own.expand_as(slab)) < 1e-9, start
        batch = model.prepare(real, None)
        model.generator.low.template.grid.data.copy_(torch.atanh(batch.low[:1]))  # type: ignore[union-attr]
        loss = model.high_encoder_loss(replace(batch, low=batch.low[:1].expand_as(batch.low)))
    own = mean[:, :, batch.start : batch.start + 16]
    expected = model.config.slab_weight * (own - batch.slab).abs().mean()
    assert float(loss["slab"].detach()) == pytest.approx(float(expected), rel=1e-6)
