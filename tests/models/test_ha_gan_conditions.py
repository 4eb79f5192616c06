"""HA-GAN conditioned by projection, and that without conditions it is what it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN
from training.processes import EVERY_TURN

FAMILIES = ("hagan", "hagan-paper", "hagan-official")
PROJECTED: dict[str, Any] = {"conditions": ("age", "ml"), "conditioning": "projection"}


def small(family: str, **changes: Any) -> HAGAN:
    config = recipe(f"{family}-32").model
    assert isinstance(config, HAGANConfig)
    return HAGAN(replace(config, width=8, latent_dim=16, **changes))


def volumes(count: int = 2) -> Tensor:
    return torch.rand(count, 1, 32, 32, 32) * 2 - 1


BEFORE: dict[tuple[str, int], dict[str, float]] = {
    ("hagan", 0): {
        "discriminator/pair": 1.370891,
        "discriminator/r1": 0.002780702,
        "discriminator/r2": 0.0028766,
        "generator/fake": 1.392753,
        "generator/rebuilt_slab": 2.761829,
        "generator/rebuilt_low": 1.368746,
        "generator/prior": 41.60852,
        "high_encoder/slab": 0.5395741,
    },
    ("hagan", 3): {
        "discriminator/pair": 1.381919,
        "discriminator/r1": 0.00374315,
        "discriminator/r2": 0.003223479,
        "discriminator/class_real": 2.26272,
        "generator/fake": 1.362943,
        "generator/class": 0.2247866,
        "generator/rebuilt_slab": 2.759441,
        "generator/rebuilt_low": 1.062122,
        "generator/prior": 42.65096,
        "high_encoder/slab": 0.5503663,
    },
    ("hagan-paper", 3): {
        "discriminator/real": 1.323092,
        "discriminator/fake": 1.424451,
        "discriminator/class_real": 2.246218,
        "discriminator/class_fake": 2.308827,
        "generator/fake": 1.319431,
        "generator/class": 2.213331,
        "high_encoder/slab": 2.720816,
        "ground_encoder/rebuilt_slab": 2.722851,
        "ground_encoder/rebuilt_low": 1.064271,
    },
}
"""Terms of a step from seed 7, as the code before conditions computed them."""

DRAWN_NEXT = {
    ("hagan", 0): 0.6431068778038025,
    ("hagan", 3): 0.375760018825531,
    ("hagan-paper", 3): 0.9139887690544128,
}
"""The number that the global generator gives after that step."""


@pytest.mark.parametrize(("family", "num_classes"), BEFORE)
def test_without_conditions_nothing_has_changed(family: str, num_classes: int) -> None:
    torch.manual_seed(7)
    # Turns, weights and parts of the time from which the numbers are.
    plain = {"template": False, "low_skip": False}
    then = EVERY_TURN | plain if family == "hagan" else {}
    model = small(family, num_classes=num_classes, **then)
    assert not [name for name in model.state_dict() if "projection" in name]
    real, labels = volumes(), torch.eye(3)[[0, 2]] if num_classes else None
    batch = model.prepare(real, labels)
    terms = {
        f"{phase.name}/{name}": float(term.detach())
        for phase in model.phases()
        for name, term in phase.loss(batch).items()
    }
    assert terms == pytest.approx(BEFORE[family, num_classes], rel=1e-3)
    assert float(torch.rand(())) == DRAWN_NEXT[family, num_classes]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_the_asked_numbers_reach_g_and_both_branches_of_d(family: str, num_classes: int) -> None:
    """Labels [b, k + c], no class term, and a gradient in every embedding."""
    model = small(family, num_classes=num_classes, **PROJECTED)
    labels = torch.cat((torch.eye(3)[:, :num_classes], torch.randn(3, 2)), dim=1)
    batch = model.prepare(volumes(3), labels)
    assert batch.labels is labels
    terms = model.discriminator_loss(batch) | model.generator_loss(batch)
    assert not [name for name in terms if "class" in name]
    torch.stack(list(model.discriminator_loss(batch).values())).sum().backward()
    embeddings = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if "projection.first" in name
    }
    assert len(embeddings) == 4
    for name, grad in embeddings.items():
        assert grad is not None, name
        assert bool(grad.abs().max() > 0), name
    model.zero_grad()
    model.generator_loss(batch)["fake"].backward()
    inputs = model.generator.common.fc.weight.grad
    assert inputs is not None
    assert bool((inputs[:, 16:].abs().amax(dim=0) > 0).all())
    assert inputs.shape[1] == 16 + num_classes + 2


@pytest.mark.parametrize("family", FAMILIES)
def test_d_asks_whether_volume_and_number_go_together(family: str) -> None:
    model = small(family, **PROJECTED).eval()
    real = volumes()
    low = model.shrink(real)
    with torch.no_grad():
        young, old = (
            model.judge(real[:, :, :4], low, 0, torch.tensor([[age, 0.0]] * 2))
            for age in (-1.0, 1.0)
        )
    for one, other in zip(young, old, strict=True):
        assert not torch.equal(one.logit, other.logit)


def test_each_slab_of_a_whole_volume_has_its_volumes_label() -> None:
    model = small("hagan-paper", whole_every=1, **PROJECTED).eval()
    model.begin_step(0)
    batch = model.prepare(volumes(), torch.randn(2, 2))
    assert batch.whole
    with torch.no_grad():
        together = model.judge(batch.slab, batch.low, 0, batch.labels, whole=True)[0].logit
        each = []
        for volume in range(2):
            assert batch.labels is not None
            for number, start in enumerate(model.selector.starts):
                slab = batch.slab[volume * 8 + number][None]
                label = batch.labels[volume][None]
                each.append(model.judge(slab, batch.low[:1], start, label)[0].logit)
    torch.testing.assert_close(together, torch.cat(each))


def test_real_and_fake_of_a_turn_have_the_same_label() -> None:
    model = small("hagan-paper", **PROJECTED)
    seen: list[Tensor] = []
    model.generator.common.register_forward_pre_hook(lambda module, given: seen.append(given[1]))
    for branch in (model.discriminator.high, model.discriminator.low):
        assert branch is not None
        assert branch.projection is not None
        branch.projection.register_forward_pre_hook(lambda module, given: seen.append(given[1]))
    batch = model.prepare(volumes(), torch.randn(2, 2))
    model.discriminator_loss(batch)
    # G once, D's two branches for real and for fake.
    assert len(seen) == 5
    assert all(label is batch.labels for label in seen)


def test_labels_that_measure_memory_have_the_models_form() -> None:
    both = small("hagan", num_classes=3, **PROJECTED).example_labels(2)
    assert both is not None
    assert both.tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0]] * 2
    alone = small("hagan", **PROJECTED).example_labels(1)
    assert alone is not None
    assert alone.tolist() == [[0.0, 0.0]]
    assert small("hagan").example_labels(2) is None
