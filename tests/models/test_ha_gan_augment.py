"""HA-GAN with late augmentation: when D sees changed volumes, alike in every branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.augment import AugmentConfig
from hagan.config.ha_gan import HAGANConfig
from hagan.errors import UsageError
from hagan.models.branches import RealBatch
from hagan.models.ha_gan import HAGAN
from training.processes import make_trainer

LATE = AugmentConfig(begin=0.5, probability=1.0)


def small(**changes: Any) -> HAGAN:
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "adversarial": "relativistic",
        "spectral_norm": False,
        "encoder": False,
        "augment": LATE,
    }
    config = HAGANConfig(volume_shape=(32, 32, 32), width=8, latent_dim=16, **(settings | changes))
    return HAGAN(config).double()


def batch_of(model: HAGAN, count: int = 3) -> RealBatch:
    generator = torch.Generator().manual_seed(4)
    volumes = torch.rand(count, 1, 32, 32, 32, generator=generator).double() * 2 - 1
    torch.manual_seed(3)
    return model.prepare(volumes, None)


def seen_by(model: HAGAN, loss: Any, batch: RealBatch) -> list[list[Tensor]]:
    """What each branch of D is shown in a turn, side by side."""
    shown: list[list[Tensor]] = []
    judge = model.judge

    def watched(slab: Tensor, low: Tensor | None, *rest: Any, **named: Any) -> Any:
        inputs = (slab, low, named["middle"])
        shown.append([tensor.detach() for tensor in inputs if tensor is not None])
        return judge(slab, low, *rest, **named)

    model.judge = watched  # type: ignore[method-assign]
    torch.manual_seed(7)
    loss(batch)
    return shown


def test_before_its_time_d_sees_volumes_as_they_are() -> None:
    model = small()
    batch = batch_of(model)
    model.begin_step(0, 0.49)
    real, _ = seen_by(model, model.discriminator_loss, batch)
    assert torch.equal(real[0], batch.slab)
    assert torch.equal(real[1], batch.low)


@pytest.mark.parametrize("adversarial", ["relativistic", "two-terms"])
def test_then_real_and_generated_are_changed_in_both_turns(adversarial: str) -> None:
    model = small(adversarial=adversarial)
    batch = batch_of(model)
    model.begin_step(0, 1.0)
    torch.manual_seed(7)
    with torch.no_grad():
        pair = model.drawn_pair(batch)
    real, fake = seen_by(model, model.discriminator_loss, batch)
    assert float((real[0] - batch.slab).abs().mean()) > 0.01
    assert float((fake[0] - pair.slab).abs().mean()) > 1e-4
    model = small(adversarial=adversarial)
    model.begin_step(0, 1.0)
    first = seen_by(model, model.generator_loss, batch)[0]
    assert float((first[0] - pair.slab).abs().mean()) > 1e-4


def test_every_branch_sees_a_subject_moved_alike() -> None:
    """A bright block moves by as many voxels at full size as its shrunk form does, over a ratio."""
    shift = AugmentConfig(begin=0.0, probability=1.0, scale=0.0, turn=0.0, gain=0.0, curve=0.0)
    model = small(augment=shift, middle_branch=True)
    volumes = torch.full((3, 1, 32, 32, 32), -1.0).double()
    volumes[:, :, :, 12:20, 12:20] = 1.0
    batch = model.prepare(volumes, None)
    model.begin_step(0, 1.0)
    slab, low, middle = seen_by(model, model.discriminator_loss, batch)[0]
    centres = [_centres(level) for level in (slab, low, middle)]
    assert float((centres[0]).abs().max()) > 0.02
    torch.testing.assert_close(centres[1], centres[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(centres[2], centres[0], atol=1e-6, rtol=0)


def _centres(volumes: Tensor) -> Tensor:
    """Where the mass of each lies in its plane, as shares of the sides from the middle."""
    mass = (volumes[:, 0] + 1).mean(dim=1)
    mass = mass / mass.sum(dim=(1, 2), keepdim=True)
    size = mass.shape[-1]
    places = (torch.arange(size).double() + 0.5) / size - 0.5
    return torch.stack(((mass.sum(1) * places).sum(1), (mass.sum(2) * places).sum(1)), dim=1)


def test_the_probability_moves_with_the_verdicts_on_real_volumes() -> None:
    adaptive = AugmentConfig(begin=0.5, adapt_to=0.6, images=30.0)
    model = small(adversarial="two-terms", augment=adaptive)
    assert model.augment is not None
    with torch.no_grad():
        model.discriminator.high.logit.bias.fill_(100.0)
        model.discriminator.low.last.bias.fill_(100.0)  # type: ignore[union-attr]
    batch = batch_of(model)
    for progress, expected in ((0.4, 0.0), (0.6, 0.1), (0.7, 0.2)):
        model.begin_step(0, progress)
        model.discriminator_loss(batch)
        assert float(model.augment.probability) == pytest.approx(expected)
    with pytest.raises(UsageError, match="adapt_to is not for relativistic"):
        HAGANConfig(augment=adaptive, adversarial="relativistic")


@pytest.mark.slow
@pytest.mark.parametrize("adapt_to", [None, 0.6])
def test_a_batch_that_is_cut_is_changed_as_the_whole(
    tmp_path: Path, adapt_to: float | None
) -> None:
    augment = AugmentConfig(begin=0.0, probability=0.9, adapt_to=adapt_to, images=20.0)
    model = {
        "augment": augment,
        "body_weight": 1.0,
        "prior_weight": 0.0,
        "adversarial": "two-terms" if adapt_to else "relativistic",
    }
    whole = make_trainer(tmp_path / "whole", model=model)
    parts = make_trainer(tmp_path / "parts", model=model, accumulate=3)
    for _ in range(3):
        whole.train_step()
        parts.train_step()
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(parts.model.state_dict()[name], tensor, msg=name)
    if adapt_to:
        assert float(whole.model.augment.probability) > 0  # type: ignore[union-attr]
