"""The warm start: codes that are given, turns that rest, and a reconstruction that fades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.ha_gan import HAGANConfig
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.config.warm_start import WarmStartConfig
from hagan.data.batches import Batch
from hagan.errors import UsageError
from hagan.models.ha_gan import HAGAN
from hagan.training.trainer import Trainer

WARM = WarmStartConfig(components=6, noise=0.0, share=0.25, weight=2.0, until=0.75)


def small(**changes: Any) -> HAGAN:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"warm_start": WARM, "adversarial": "relativistic"} | changes
    shape = (32, 32, 32)
    return HAGAN(HAGANConfig(volume_shape=shape, width=8, latent_dim=16, **settings)).double()


def scans(count: int = 12) -> Tensor:
    """Balls of many sizes and places."""
    generator = torch.Generator().manual_seed(1)
    axes = torch.linspace(-1, 1, 32)
    grid = torch.stack(torch.meshgrid(axes, axes, axes, indexing="ij"))
    centres = 0.6 * torch.rand(count, 3, 1, 1, 1, generator=generator) - 0.3
    radius = 0.3 + 0.4 * torch.rand(count, 1, 1, 1, generator=generator)
    apart = (grid[None] - centres).square().sum(1).sqrt()
    return torch.tanh(8 * (radius - apart))[:, None].double()


def looked(**changes: Any) -> HAGAN:
    model = small(**changes)
    model.look(iter(scans().split(4)))
    return model


def test_codes_of_the_training_volumes_have_the_moments_of_the_prior() -> None:
    model = looked()
    low = model.shrink(scans())
    codes = model.fixed_latents(low)
    head = codes[:, :6]
    # The volumes are seen several times over, which the deviations know nothing of.
    torch.testing.assert_close(head.mean(dim=0), torch.zeros(6).double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(head.var(dim=0), torch.ones(6).double(), rtol=0.1, atol=0)
    assert torch.equal(model.fixed_latents(low)[:, :6], head), "given, not drawn"
    assert not torch.equal(model.fixed_latents(low)[:, 6:], codes[:, 6:])


def test_scores_that_few_volumes_cannot_give_are_drawn() -> None:
    model = small()
    model.look(iter([scans(3)] * 100))
    codes = model.fixed_latents(model.shrink(scans(3)))
    assert model.codes is not None
    assert int((model.codes.deviations > 0).sum()) == 2
    assert float(codes[:, 2:6].std()) > 0.4


def test_no_more_is_looked_at_than_is_needed() -> None:
    asked = []

    def volumes() -> Any:
        for number in range(10**6):
            asked.append(number)
            yield scans(4)

    small().look(volumes())
    assert len(asked) == 64
    HAGAN(HAGANConfig(volume_shape=(32, 32, 32), width=8)).look(volumes())
    assert len(asked) == 64, "a model without codes looks at nothing"


@pytest.mark.parametrize(
    ("progress", "rests", "weight"), [(0.0, True, 1.0), (0.25, False, 2.0), (0.5, False, 1.0)]
)
def test_terms_of_the_generators_turn(progress: float, rests: bool, weight: float) -> None:
    model = looked()
    model.begin_step(3, progress)
    discriminator, generator = model.phases()[:2]
    assert discriminator.has_turn(3) is not rests
    assert generator.has_turn(3)
    torch.manual_seed(2)
    batch = model.prepare(scans()[:4], None)
    state = torch.get_rng_state()
    terms = dict(generator.loss(batch))
    assert set(terms) == ({"fake"} if not rests else set()) | {"rebuilt_slab", "rebuilt_low"}
    torch.set_rng_state(state)
    if not rests:
        model.generator_loss(batch)
    pair = model.pair_of(model.fixed_latents(batch.low), None, batch.start)
    assert pair.low is not None
    expected = weight * functional.l1_loss(pair.slab, batch.slab)
    torch.testing.assert_close(terms["rebuilt_slab"], expected)
    torch.testing.assert_close(
        terms["rebuilt_low"], weight * functional.l1_loss(pair.low, batch.low)
    )


def test_the_encoder_is_drawn_to_the_fixed_codes() -> None:
    model = looked(warm_start=replace(WARM, code_weight=3.0))
    batch = model.prepare(scans()[:4], None)
    terms = model.ground_encoder_loss(batch)
    encoded, fixed = model.encode(batch.volumes), model.fixed_latents(batch.low)
    expected = 3.0 * (encoded - fixed)[:, :6].square().mean()
    torch.testing.assert_close(terms["codes"], expected)
    assert "codes" not in looked().ground_encoder_loss(batch)
    assert "codes" not in model.warm_generator_loss(batch), "it moves nothing of G"


def test_in_the_end_the_game_is_alone() -> None:
    model = looked()
    model.begin_step(9, 0.75)
    batch = model.prepare(scans()[:2], None)
    assert set(model.phases()[1].loss(batch)) == {"fake"}


class Source:
    """All scans in turn, counted."""

    def __init__(self) -> None:
        self.volumes = scans().float()

    def at(self, step: int, repeat: int = 0) -> Batch:
        rows = (torch.arange(4) + 4 * step) % len(self.volumes)
        return Batch(self.volumes[rows], None)


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., Trainer]:
    def make(steps: int = 8, folder: str = "run") -> Trainer:
        config = RunConfig(
            name="test",
            model=small().config,
            training=TrainingConfig(steps=steps, average_half_life=20.0, save_every=3, log_every=1),
        )
        torch.manual_seed(0)
        return Trainer(HAGAN(config.model), config, Source(), RunDir(tmp_path / folder))  # type: ignore[arg-type]

    return make


def test_a_run_warms_up_plays_and_resumes_to_the_bit(trainer: Callable[..., Trainer]) -> None:
    whole = trainer()
    discriminator = {k: v.clone() for k, v in whole.model.discriminator.state_dict().items()}
    names = [set(whole.train_step()) for _ in range(8)]
    assert all("discriminator/pair" not in step for step in names[:2])
    assert all("discriminator/pair" in step for step in names[2:])
    assert "generator/rebuilt_slab" in names[5]
    assert "generator/rebuilt_slab" not in names[6]
    moved = whole.model.discriminator.state_dict()
    assert any(not torch.equal(moved[name], tensor) for name, tensor in discriminator.items())

    first = trainer(folder="again")
    for _ in range(5):
        first.train_step()
    first.save()
    second = trainer(folder="again")
    assert second.resumed
    assert second.step == 5
    for _ in range(3):
        second.train_step()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor), name


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(UsageError, match="set reconstruction_weight_generator to 0"):
        small(reconstruction_weight_generator=1.0)
