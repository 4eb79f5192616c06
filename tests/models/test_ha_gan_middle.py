"""HA-GAN with a branch between the two: what it makes and sees, and its part in every term."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate, softplus

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.config.training import RunConfig
from hagan.errors import UsageError
from hagan.models.branches import RealBatch
from hagan.models.ha_gan import HAGAN
from hagan.training.cost import step_cost
from training.processes import EVERY_TURN


def with_middle(family: str = "hagan", **changes: Any) -> HAGAN:
    config = recipe(f"{family}-32").model
    assert isinstance(config, HAGANConfig)
    torch.manual_seed(0)
    settings = {"width": 8, "latent_dim": 16, "middle_branch": True} | changes
    model = HAGAN(replace(config, **settings)).double()
    if model.middle is not None and model.middle.template is not None:
        torch.nn.init.normal_(model.middle.template.grid)
    return model


def batch_of(model: HAGAN, count: int = 3) -> RealBatch:
    generator = torch.Generator().manual_seed(4)
    volumes = torch.rand(count, 1, *model.volume_shape, generator=generator).double() * 2 - 1
    torch.manual_seed(3)
    labels = torch.eye(3).double()[[2, 0, 1][:count]] if model.num_classes else None
    return model.prepare(volumes, labels)


def on_three(model: HAGAN, batch: RealBatch) -> tuple[list[Tensor], list[Tensor]]:
    """What D^H, D^L and D^M see of the reals, and of the fakes that the next draw gives.

    Made from A by the layers themselves, whatever the model shares between them.
    """
    torch.manual_seed(7)
    codes = model.draw_latents(len(batch.volumes))
    high, low, middle = model.generator.high, model.generator.low, model.middle
    assert low is not None
    assert middle is not None
    features = model.generator.common(codes, batch.labels)
    span = model.selector.feature_span(batch.start)
    base = low.base(features) if model.generator.low_skip else None
    slab = high.slab(span.cut(features), model.selector, batch.start, base=base)
    between = features
    for conv, act in zip(high.convs[:-1], high.acts, strict=True):
        between = act(conv(between))
    of_middle = middle.last(between)
    if base is not None:
        of_middle = of_middle + interpolate(base, scale_factor=2, mode="trilinear")
    if middle.template is not None:
        of_middle = of_middle + middle.template.grid
    fakes = [slab, low(features), torch.tanh(of_middle)]
    step = model.config.reduction
    blocks = batch.volumes.unfold(2, 2, 2).unfold(3, 2, 2).unfold(4, 2, 2)
    coarse = batch.volumes.unfold(2, step, step).unfold(3, step, step).unfold(4, step, step)
    reals = [
        batch.volumes[:, :, batch.start : batch.start + model.config.slab_shape[0]],
        coarse.mean(dim=(5, 6, 7)),
        blocks.mean(dim=(5, 6, 7)),
    ]
    return reals, fakes


def judged(model: HAGAN, seen: list[Tensor], start: int) -> tuple[list[Tensor], list[Tensor]]:
    """Logits and class logits of the three."""
    d = model.discriminator
    assert d.low is not None
    assert d.middle is not None
    verdicts = [d.high(seen[0], model.selector.position(start)), d.low(seen[1]), d.middle(seen[2])]
    return [v.logit for v in verdicts], [v.class_logits for v in verdicts]


def test_it_lies_between_the_two_resolutions_of_the_paper() -> None:
    with pytest.raises(UsageError, match=r"middle_branch needs model\.high_doublings=2"):
        with_middle(volume_shape=(64, 48, 64), high_doublings=3, num_slabs=4)


def test_it_makes_and_sees_the_whole_at_half_of_each_side() -> None:
    model = with_middle()
    batch = batch_of(model)
    assert batch.middle is not None
    half = tuple(size // 2 for size in model.volume_shape)
    assert batch.middle.shape == (3, 1, *half)
    reals, fakes = on_three(model, batch)
    torch.manual_seed(7)
    pair = model.drawn_pair(batch)
    for seen, expected in zip(pair.inputs, fakes, strict=True):
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-10)
    for seen, expected in zip(batch.beside(pair).inputs, reals, strict=True):
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-10)


def test_the_slab_beside_it_is_that_of_the_volume_in_use() -> None:
    """Its features are those of the whole at half of each side, with their noise."""
    model = with_middle(noise=True)
    assert model.generator.high.noises is not None
    for layer in model.generator.high.noises:
        torch.nn.init.constant_(layer.gain, 1.0)
    codes = model.draw_latents(2)
    whole = model.generate(codes)
    depth = model.config.slab_shape[0]
    for start in (0, 1, 2, 3, 9, model.volume_shape[0] - depth):
        slab = model.pair_of(codes, None, start).slab
        expected = whole[:, :, start : start + depth]
        torch.testing.assert_close(slab, expected, rtol=0, atol=1e-10)


def test_relativistic_terms_have_its_pair_and_its_penalties() -> None:
    model = with_middle(num_classes=3, gamma_end=1.0)
    batch = batch_of(model)
    reals, fakes = on_three(model, batch)
    reals, fakes = ([x.detach().requires_grad_() for x in side] for side in (reals, fakes))
    (real, classes), (fake, _) = (judged(model, side, batch.start) for side in (reals, fakes))
    torch.manual_seed(7)
    terms = model.discriminator_loss(batch)
    pairs = [softplus(b - a).mean() for a, b in zip(real, fake, strict=True)]
    torch.testing.assert_close(terms["pair"], sum(pairs))
    voxels = (4 * 32 * 32, 8**3, 16**3)
    for name, logits, inputs in (("r1", real, reals), ("r2", fake, fakes)):
        expected = torch.zeros((), dtype=torch.float64)
        for logit, seen, count in zip(logits, inputs, voxels, strict=True):
            (slope,) = torch.autograd.grad(logit.sum(), seen, retain_graph=True)
            expected += 0.5 * 3e-4 * count * slope.square().flatten(1).sum(1).mean()
        torch.testing.assert_close(terms[name].detach(), expected)
    chosen = torch.tensor([2, 0, 1])
    expected = sum(cross_entropy(logits, chosen) for logits in classes)
    weight = model.config.class_weight_discriminator
    torch.testing.assert_close(terms["class_real"], weight * expected)
    torch.manual_seed(7)
    of_generator = model.generator_loss(batch)["fake"]
    pairs = [softplus(b - a).mean() for a, b in zip(fake, real, strict=True)]
    torch.testing.assert_close(of_generator, sum(pairs))


@pytest.mark.parametrize("adversarial", ["two-terms", "mean-logit"])
def test_cross_entropies_have_its_logit(adversarial: str) -> None:
    model = with_middle("hagan-paper", adversarial=adversarial, high_norm="rms").eval()
    batch = batch_of(model)
    reals, fakes = on_three(model, batch)
    (real, _), (fake, _) = (judged(model, side, batch.start) for side in (reals, fakes))
    if adversarial == "mean-logit":
        real, fake = ([torch.stack(logits).mean(0)] for logits in (real, fake))
    torch.manual_seed(7)
    terms = model.discriminator_loss(batch)
    torch.testing.assert_close(terms["real"], sum(softplus(-x).mean() for x in real))
    torch.testing.assert_close(terms["fake"], sum(softplus(x).mean() for x in fake))
    torch.manual_seed(7)
    of_generator = model.generator_loss(batch)["fake"]
    torch.testing.assert_close(of_generator, sum(softplus(-x).mean() for x in fake))


@pytest.mark.parametrize(("family", "factor"), [("hagan-paper", 5.0), ("hagan-official", 1 / 3)])
def test_reconstruction_counts_it_like_the_others(family: str, factor: float) -> None:
    model = with_middle(family).eval()
    batch = batch_of(model)
    rebuilt = model.pair_of(model.encode(batch.volumes), None, batch.start)
    assert rebuilt.middle is not None
    assert batch.middle is not None
    terms = model.ground_encoder_loss(batch)
    expected = factor * (rebuilt.middle - batch.middle).abs().mean()
    torch.testing.assert_close(terms["rebuilt_middle"], expected)
    expected = factor * (rebuilt.slab - batch.slab).abs().mean()
    torch.testing.assert_close(terms["rebuilt_slab"], expected)


@pytest.mark.parametrize("family", ["hagan", "hagan-paper", "hagan-official"])
def test_it_leaves_generation_and_what_is_published_as_they_are(family: str) -> None:
    """The head moves in the generator's turn and is held by no weights file."""
    model, plain = with_middle(family), with_middle(family, middle_branch=False)
    codes = model.draw_latents(1)
    assert torch.equal(model.generate(codes), plain.generate(codes))
    names = [
        {
            f"{part}.{name}"
            for part, module in one.published().items()
            for name in module.state_dict()
        }
        for one in (model, plain)
    ]
    assert names[0] == names[1]
    (generator,) = (phase for phase in model.phases() if phase.name == "generator")
    moved = {id(parameter) for parameter in generator.trains.parameters()}
    assert model.middle is not None
    assert {id(parameter) for parameter in model.middle.parameters()} < moved


def test_full_volumes_and_groups_of_volumes_know_it_too() -> None:
    whole = with_middle(whole_every=1)
    whole.begin_step(0)
    spread = with_middle(minibatch_group=3)
    hinge = with_middle("hagan-paper", adversarial="hinge", lecam_weight=0.3)
    for model in (whole, spread, hinge):
        batch = batch_of(model)
        for phase in model.phases():
            for name, term in phase.loss(batch).items():
                assert bool(term.isfinite()), (phase.name, name)
    assert hinge.logit_means.shape == (2, 3)


def test_it_is_part_of_what_a_step_costs() -> None:
    def cost(**changes: Any) -> tuple[int, int]:
        config: RunConfig = recipe("hagan-tiny-32").with_model(**EVERY_TURN, **changes)
        found = step_cost(config)
        return found.peak, found.flops

    plain, middle, noise = cost(), cost(middle_branch=True), cost(noise=True)
    assert middle[0] > plain[0]
    assert 1.05 < middle[1] / plain[1] < 2.0
    assert noise[0] == pytest.approx(plain[0], rel=0.1)
    assert noise[1] == plain[1]
