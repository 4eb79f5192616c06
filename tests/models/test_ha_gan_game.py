"""Other games of D and G: hinge, LeCam, the spread of a group, penalties that fade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.errors import UsageError
from hagan.models.branches import RealBatch
from hagan.models.ha_gan import HAGAN, LECAM_DECAY
from training.processes import make_trainer


def small(**changes: Any) -> HAGAN:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"width": 8, "latent_dim": 16, "encoder": False} | changes
    return HAGAN(HAGANConfig(volume_shape=(32, 32, 32), **settings)).double()


def batch_of(model: HAGAN, count: int = 3) -> RealBatch:
    generator = torch.Generator().manual_seed(4)
    volumes = torch.rand(count, 1, 32, 32, 32, generator=generator).double() * 2 - 1
    torch.manual_seed(3)
    return model.prepare(volumes, None)


def logits(model: HAGAN, batch: RealBatch) -> tuple[list[Tensor], list[Tensor]]:
    """Of D^H and D^L for the reals and for the fakes that the next draw gives."""
    torch.manual_seed(7)
    pair = model.drawn_pair(batch)
    assert pair.low is not None
    real = model.judge(batch.slab, batch.low, batch.start)
    fake = model.judge(pair.slab, pair.low, batch.start)
    return [v.logit for v in real], [v.logit for v in fake]


def test_hinge() -> None:
    model = small(adversarial="hinge", spectral_norm=False)
    batch = batch_of(model)
    real, fake = logits(model, batch)
    torch.manual_seed(7)
    terms = model.discriminator_loss(batch)
    torch.testing.assert_close(terms["real"], sum((1 - x).clamp(min=0).mean() for x in real))
    torch.testing.assert_close(terms["fake"], sum((1 + x).clamp(min=0).mean() for x in fake))
    torch.manual_seed(7)
    torch.testing.assert_close(model.generator_loss(batch)["fake"], -sum(x.mean() for x in fake))


def test_lecam_holds_logits_near_the_running_means_of_the_other_side() -> None:
    model = small(adversarial="hinge", spectral_norm=False, lecam_weight=0.5, lecam_begin=0.3)
    batch = batch_of(model)
    means = torch.tensor([[0.4, -0.1], [-0.3, 0.2]]).double()
    model.logit_means.copy_(means)
    real, fake = logits(model, batch)
    expected = sum(
        (real[b] - means[1, b]).clamp(min=0).square().mean()
        + (means[0, b] - fake[b]).clamp(min=0).square().mean()
        for b in range(2)
    )
    for progress, weight in ((0.2, 0.0), (0.3, 0.5)):
        model.logit_means.copy_(means)
        model.begin_step(0, progress)
        torch.manual_seed(7)
        terms = model.discriminator_loss(batch)
        torch.testing.assert_close(terms["lecam"], weight * torch.as_tensor(expected))
    seen = torch.stack([torch.stack([x.mean() for x in side]) for side in (real, fake)])
    moved = LECAM_DECAY * means + (1 - LECAM_DECAY) * seen
    torch.testing.assert_close(model.logit_means, moved)
    assert "logit_means" not in dict(small().named_buffers())


def test_penalties_fade() -> None:
    model = small(adversarial="relativistic", spectral_norm=False, gamma_end=0.1)
    batch = batch_of(model)
    found = []
    for progress in (0.0, 1.0):
        model.begin_step(0, progress)
        torch.manual_seed(7)
        found.append(model.discriminator_loss(batch))
    torch.testing.assert_close(found[1]["r1"], 0.1 * found[0]["r1"])
    torch.testing.assert_close(found[1]["r2"], 0.1 * found[0]["r2"])
    assert torch.equal(found[1]["pair"], found[0]["pair"])


def test_each_branch_is_told_how_much_a_group_differs() -> None:
    """Groups of like volumes: D can tell them apart by nothing but the further channel."""
    model = small(adversarial="two-terms", spectral_norm=False, minibatch_group=2)
    plain = small(adversarial="two-terms", spectral_norm=False)
    batch = batch_of(model, 4)
    last = model.discriminator.high.convs[-1].weight
    assert last.shape[1] == plain.discriminator.high.convs[-1].weight.shape[1] + 1
    one = batch.slab[:1].repeat(4, 1, 1, 1, 1)
    mixed = torch.cat([one[:2], batch.slab[1:3]])
    low = batch.low[:1].repeat(4, 1, 1, 1, 1)
    alike, apart = (model.judge(x, low, batch.start)[0].logit for x in (one, mixed))
    torch.testing.assert_close(alike[0], alike[3])
    torch.testing.assert_close(apart[:2], alike[:2])
    alone = model.judge(mixed[2:3], low[:1], batch.start)[0].logit[0]
    assert abs(float((alone - apart[2]).detach())) > 1e-6, (
        "its group of two differs, it alone does not"
    )


@pytest.mark.slow
@pytest.mark.parametrize("adversarial", ["relativistic", "two-terms"])
def test_groups_are_those_of_the_whole_batch_however_it_is_cut(
    adversarial: str, tmp_path: Path
) -> None:
    model = {
        "minibatch_group": 3,
        "adversarial": adversarial,
        "reconstruction_weight_generator": 0.0,
        "prior_weight": 0.0,
    }
    results = []
    for parts in (1, 3):
        trainer = make_trainer(tmp_path / str(parts), model=model, accumulate=parts)
        values = [trainer.train_step() for _ in range(2)]
        results.append((values, trainer.model.state_dict()))
    for step, other in zip(results[0][0], results[1][0], strict=True):
        assert other == pytest.approx(step, rel=1e-9, abs=1e-9)
    for name, tensor in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], tensor, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lecam_weight": 0.3, "adversarial": "relativistic"}, "no level"),
        ({"minibatch_group": 1}, "at least 2"),
        ({"minibatch_group": 4, "whole_every": 2}, "several slabs"),
        ({"gamma_end": -1.0}, "gamma_end must not be negative"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        small(**changes)
