"""The fast networks are the plain ones, in values and in gradients, for every player."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN
from hagan.networks.plain import make_plain
from hagan.networks.upsample import UpConv

DEEPER = {"volume_shape": (64, 64, 64), "high_doublings": 3, "num_slabs": 4}


def played(config: Any, *, plain: bool) -> list[Tensor]:
    """Terms and gradients of every phase of a step in float64."""
    torch.manual_seed(0)
    model = HAGAN(config).double().train()
    if plain:
        make_plain(model)
    torch.manual_seed(1)
    volumes = torch.rand(2, 1, *config.volume_shape, dtype=torch.float64) * 2 - 1
    labels = torch.eye(3, dtype=torch.float64)[:2] if config.num_classes else None
    model.begin_step(0)
    batch = model.prepare(volumes, labels)
    results: list[Tensor] = []
    for phase in model.phases():
        model.requires_grad_(False)
        phase.trains.requires_grad_(True)
        torch.manual_seed(2)
        terms = list(phase.loss(batch).values())
        weights = list(phase.trains.parameters())
        results += [term.detach() for term in terms]
        gradients = torch.autograd.grad(torch.stack(terms).sum(), weights, allow_unused=True)
        results += [g for g in gradients if g is not None]
    with torch.no_grad():
        results.append(
            model.generate(model.draw_latents(1), labels[:1] if labels is not None else None)
        )
    return results


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"num_classes": 3}, {"whole_every": 1}, DEEPER], ids=str)
@pytest.mark.parametrize("name", ["hagan-32", "hagan-paper-32", "hagan-official-32"])
def test_every_lever_leaves_losses_and_gradients_as_they_are(
    name: str, changes: dict[str, Any]
) -> None:
    if name == "hagan-official-32" and "whole_every" in changes:
        changes = {"high_norm": "none"}
    config = replace(recipe(name).model, width=8, latent_dim=16, **changes)
    fast, plain = played(config, plain=False), played(config, plain=True)
    assert len(fast) == len(plain) > 20
    for one, other in zip(fast, plain, strict=True):
        scale = float(other.abs().max())
        assert float((one - other).abs().max()) < 1e-10 * max(scale, 1.0)


def test_all_of_a_plain_model_is_plain() -> None:
    model = HAGAN(replace(recipe("hagan-32").model, width=8, latent_dim=16))
    make_plain(model)
    assert all(m.form == "plain" for m in model.modules() if isinstance(m, UpConv))
    assert all(m.plain for m in model.modules() if hasattr(m, "plain"))
    # Without gradients too: features stay as they lie, and what is given is not overwritten.
    features = torch.rand(1, 8, 8, 8, 8)
    before = features.clone()
    with torch.no_grad():
        assert model.generator.high._laid_out(features) is features
        maps = model.generator.common(model.draw_latents(1))
        model.generator.high(features)
    assert maps.is_contiguous()
    assert torch.equal(features, before)
