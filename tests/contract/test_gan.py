"""One list of behaviours for every model: what the trainer and the sampler rely on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hagan.config.augment import AugmentConfig
from hagan.config.models import ModelConfig
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.config.warm_start import WarmStartConfig
from hagan.data.batches import Batch
from hagan.models.build import build_model
from hagan.models.gan import GAN, Encodes, Phase
from hagan.training.log import read_metrics
from hagan.training.trainer import Trainer


def narrow(config: Any, **changes: Any) -> ModelConfig:
    if hasattr(config, "width"):
        changes["width"] = 8
    small: ModelConfig = replace(config, volume_shape=(32, 32, 32), latent_dim=16, **changes)
    return small


def growing(family: str, **changes: Any) -> ModelConfig:
    """Through its levels so fast that step 5 is in the fade of the last or the one before."""
    config: ModelConfig = replace(narrow(recipe(f"{family}-32").model, fade_steps=(2,)), **changes)
    return config


RIVALS = (
    *("gaussian", "patch-gan", "patch-gan-sound", "wgan", "wgan-sound", "alpha-gan"),
    *("alpha-gan-sound", "vae-gan", "vae-gan-sound", "cce-gan", "cce-gan-sound"),
)
"""Families of the other systems, each in the form of its own recipe but narrow."""

MODELS: dict[str, Callable[[], ModelConfig]] = {
    **{name: partial(lambda name: narrow(recipe(f"{name}-32").model), name) for name in RIVALS},
    "alpha-gan-conditional": lambda: narrow(recipe("alpha-gan-sound-32").model, num_classes=3),
    "alpha-gan-by-cross-entropy": lambda: narrow(
        recipe("alpha-gan-32").model, loss="cross-entropy"
    ),
    "vae-gan-deeper": lambda: narrow(recipe("vae-gan-32").model, deeper=True),
    "progressive-gan": lambda: growing("progressive-gan", stable_steps=(0,)),
    "progressive-gan-sound": lambda: growing("progressive-gan-sound", stable_steps=(1,)),
    "progressive-gan-not-cubic": lambda: growing(
        "progressive-gan-sound", stable_steps=(1,), volume_shape=(20, 24, 28)
    ),
    "style-gan": lambda: narrow(recipe("style-gan-32").model),
    "style-gan-sound": lambda: narrow(recipe("style-gan-sound-32").model),
    "style-gan-not-cubic": lambda: replace(
        narrow(recipe("style-gan-sound-32").model), volume_shape=(20, 24, 28)
    ),
    "hagan": lambda: narrow(recipe("hagan-32").model),
    "hagan-paper": lambda: narrow(recipe("hagan-paper-32").model),
    "hagan-official": lambda: narrow(recipe("hagan-official-32").model),
    "hagan-conditional": lambda: narrow(recipe("hagan-32").model, num_classes=3),
    "hagan-paper-conditional": lambda: narrow(recipe("hagan-paper-32").model, num_classes=3),
    "hagan-official-conditional": lambda: narrow(recipe("hagan-official-32").model, num_classes=3),
    "hagan-projected": lambda: narrow(
        recipe("hagan-32").model, num_classes=3, conditioning="projection"
    ),
    "hagan-paper-projected": lambda: narrow(
        recipe("hagan-paper-32").model, num_classes=3, conditioning="projection"
    ),
    "hagan-early": lambda: narrow(recipe("hagan-early-32").model),
    "without-low-branch": lambda: narrow(recipe("hagan-paper-32").model, low_branch=False),
    "without-encoder": lambda: narrow(recipe("hagan-paper-32").model, encoder=False),
    "deterministic-r": lambda: narrow(recipe("hagan-paper-32").model, random_start=False),
    "hagan-warm": lambda: narrow(
        recipe("hagan-32").model,
        warm_start=WarmStartConfig(components=4),
        reconstruction_weight_generator=0.0,
        minibatch_group=2,
        stem="basis",
    ),
    "hagan-hinge": lambda: narrow(
        recipe("hagan-paper-32").model, adversarial="hinge", lecam_weight=0.3
    ),
    "hagan-augmented": lambda: narrow(
        recipe("hagan-32").model, augment=AugmentConfig(begin=0.0, probability=1.0)
    ),
    "hagan-noise": lambda: narrow(recipe("hagan-32").model, noise=True),
    "hagan-middle": lambda: narrow(recipe("hagan-32").model, middle_branch=True),
    "hagan-plain": lambda: narrow(recipe("hagan-32").model, template=False, low_skip=False),
    "hagan-paper-middle-conditional": lambda: narrow(
        recipe("hagan-paper-32").model, middle_branch=True, low_branch=False, num_classes=3
    ),
    "hagan-official-middle-conditional": lambda: narrow(
        recipe("hagan-official-32").model, middle_branch=True, num_classes=3
    ),
    "hagan-without-low-branch": lambda: narrow(
        recipe("hagan-32").model, low_branch=False, low_skip=False
    ),
}


SCHEDULE = (0, 5, 1000)
"""Steps at which schedules are early, on their way and at their end."""


class Blobs:
    """A few volumes with a bright ball each, of classes in turn, addressed by step."""

    def __init__(
        self,
        batch_size: int,
        num_classes: int = 0,
        count: int = 6,
        shape: tuple[int, int, int] = (32, 32, 32),
    ) -> None:
        axes = [torch.linspace(-1, 1, size) for size in shape]
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        generator = torch.Generator().manual_seed(3)
        centres = 0.5 * torch.rand(count, 3, 1, 1, 1, generator=generator) - 0.25
        radius = 0.35 + 0.3 * torch.rand(count, 1, 1, 1, generator=generator)
        distance = (grid[None] - centres).square().sum(1).sqrt()
        self.volumes = torch.tanh(12 * (radius - distance))[:, None]
        self.labels = None
        if num_classes:
            classes = torch.arange(count) % num_classes
            self.labels = torch.nn.functional.one_hot(classes, num_classes).float()
        self.batch_size = batch_size

    def at(self, step: int, repeat: int = 0) -> Batch:
        picked = (torch.arange(self.batch_size) + step * self.batch_size + repeat) % len(
            self.volumes
        )
        labels = None if self.labels is None else self.labels[picked]
        return Batch(volumes=self.volumes[picked], labels=labels)


@pytest.fixture(params=sorted(MODELS))
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return MODELS[request.param]()


@pytest.fixture
def model(config: ModelConfig) -> GAN[Any]:
    torch.manual_seed(0)
    return build_model(config)


def labels_for(model: GAN[Any], count: int) -> Tensor | None:
    if not model.num_classes:
        return None
    return torch.nn.functional.one_hot(torch.arange(count) % model.num_classes, 3).float()


def needs_length(config: ModelConfig) -> bool:
    """Whether what happens at a step depends on how many there will be."""
    scheduled = ("warm_start", "augment")
    return any(getattr(config, name, None) is not None for name in scheduled)


def losses(model: GAN[Any], batch_size: int = 2) -> dict[str, dict[str, Tensor]]:
    """Each phase's terms, its gradients left in place for the caller."""
    blobs = Blobs(batch_size, model.num_classes, shape=model.volume_shape).at(0)
    torch.manual_seed(5)
    batch = model.prepare(blobs.volumes, blobs.labels)
    return {phase.name: dict(phase.loss(batch)) for phase in model.phases()}


def backward(phase: Phase[Any], batch: Any) -> None:
    """Gradients of a phase's loss; a phase without weights has none, and its loss needs none."""
    loss = torch.stack(list(phase.loss(batch).values())).sum()
    if list(phase.trains.parameters()):
        loss.backward()
    else:
        assert not loss.requires_grad, phase.name


def look(model: GAN[Any]) -> None:
    """Show a model without weights a batch: before that it knows one volume only."""
    if not list(model.parameters()):
        losses(model)


def test_a_phase_touches_only_its_own_weights(model: GAN[Any]) -> None:
    blobs = Blobs(2, model.num_classes, shape=model.volume_shape).at(0)
    batch = model.prepare(blobs.volumes, blobs.labels)
    for phase in model.phases():
        model.requires_grad_(False)
        phase.trains.requires_grad_(True)
        backward(phase, batch)
        own = {id(p) for p in phase.trains.parameters()}
        for name, parameter in model.named_parameters():
            if id(parameter) not in own:
                assert parameter.grad is None, (phase.name, name)
        model.zero_grad(set_to_none=True)


def test_over_the_phases_every_weight_gets_a_gradient(model: GAN[Any], config: ModelConfig) -> None:
    moved: set[str] = set()
    for seed in range(3):
        blobs = Blobs(3, model.num_classes, shape=model.volume_shape).at(seed)
        torch.manual_seed(seed)
        model.begin_step(SCHEDULE[seed])
        batch = model.prepare(blobs.volumes, blobs.labels)
        for phase in model.phases():
            model.requires_grad_(False)
            phase.trains.requires_grad_(True)
            backward(phase, batch)
            moved |= {
                name
                for name, p in model.named_parameters()
                if p.grad is not None and bool(p.grad.abs().max() > 0)
            }
            model.zero_grad(set_to_none=True)
    still = {name for name, _ in model.named_parameters()} - moved
    if getattr(config, "adversarial", "") == "relativistic":
        # Only differences of logits count there: a last layer's bias cannot matter, nor the one
        # before it while real and fake lie on the same side of every rectifier.
        names = ("high.logit.bias", "high.fc.bias", "low.last.bias", "middle.last.bias")
        still -= {f"discriminator.{name}" for name in names}
    assert still == set()


def test_losses_are_finite_with_a_batch_of_one(model: GAN[Any]) -> None:
    for terms in losses(model, batch_size=1).values():
        for name, term in terms.items():
            assert term.shape == (), name
            assert bool(torch.isfinite(term)), name


def test_generate_has_the_shape_the_range_and_one_answer_a_latent(model: GAN[Any]) -> None:
    look(model)
    model.eval()
    with torch.no_grad():
        latents = model.draw_latents(2)
        labels = labels_for(model, 2)
        volumes = model.generate(latents, labels)
        again = model.generate(latents[1:], None if labels is None else labels[1:])
    assert volumes.shape == (2, 1, *model.volume_shape)
    assert float(volumes.abs().max()) <= 1.0
    torch.testing.assert_close(again, volumes[1:], rtol=1e-4, atol=1e-5)
    assert not torch.equal(volumes[0], volumes[1])


def test_encode_inverts_the_shapes(model: GAN[Any]) -> None:
    if "encoder" not in model.published():
        pytest.skip("this model does not encode")
    assert isinstance(model, Encodes)
    volumes = Blobs(2).volumes[:2]
    with torch.no_grad():
        assert model.encode(volumes).shape == (2, model.latent_dim)


def test_label_changes_the_volume(model: GAN[Any]) -> None:
    if not model.num_classes:
        pytest.skip("this model is unconditional")
    with torch.no_grad():
        latents = model.draw_latents(1).expand(2, -1)
        first, second = model.generate(latents, labels_for(model, 2))
    assert not torch.equal(first, second)


def run_config(config: ModelConfig, steps: int, **changes: Any) -> RunConfig:
    training = TrainingConfig(
        steps=steps, batch_size=2, average_half_life=20.0, learning_rate_ramp=3, **changes
    )
    return RunConfig(name="contract", model=config, training=training)


def train(config: RunConfig, folder: Path) -> Trainer:
    torch.manual_seed(config.training.seed)
    model = build_model(config.model)
    blobs = Blobs(2, config.model.num_classes, shape=config.model.volume_shape)
    trainer = Trainer(model, config, blobs, RunDir(folder))
    trainer.train()
    return trainer


@pytest.mark.slow
def test_four_steps_equal_two_then_two_more(config: ModelConfig, tmp_path: Path) -> None:
    if needs_length(config):
        pytest.skip("its schedule is one of the run's whole length")
    whole = train(run_config(config, 4), tmp_path / "whole")
    train(run_config(config, 2), tmp_path / "halves")
    halves = train(run_config(config, 4), tmp_path / "halves")
    assert halves.step == whole.step == 4
    assert halves.save() == whole.save()
    weights = [RunDir(tmp_path / name).weights.read_bytes() for name in ("whole", "halves")]
    assert weights[0] == weights[1]


class Seldom(Trainer):
    """Every other phase has its turn at every third step."""

    def __init__(self, model: GAN[Any], *rest: Any) -> None:
        phases = model.phases
        model.phases = lambda: [  # type: ignore[method-assign]
            replace(phase, every=3 if number % 2 else 1) for number, phase in enumerate(phases())
        ]
        super().__init__(model, *rest)


def learned(module: nn.Module) -> list[Tensor]:
    """What a turn moves: the weights, or what a module without weights keeps."""
    return list(module.parameters()) or list(module.buffers())


def moved(trainer: Trainer) -> list[bool]:
    """Take a step; whether it moved what each player learns."""
    before = [[p.detach().clone() for p in learned(x.phase.trains)] for x in trainer.players]
    trainer.train_step()
    assert all(p.grad is None for p in trainer.model.parameters())
    return [
        any(not torch.equal(p, q) for p, q in zip(learned(player.phase.trains), old, strict=True))
        for player, old in zip(trainer.players, before, strict=True)
    ]


def seldom(config: ModelConfig, folder: Path, steps: int) -> Trainer:
    torch.manual_seed(0)
    model = build_model(config)
    blobs = Blobs(2, config.num_classes, shape=config.volume_shape)
    return Seldom(model, run_config(config, steps, log_every=2), blobs, RunDir(folder))


def test_a_phase_has_its_turn_at_the_steps_that_it_names(
    config: ModelConfig, tmp_path: Path
) -> None:
    if getattr(config, "encoder_every", 1) != 1 or needs_length(config):
        pytest.skip("its players have steps of their own")
    trainer = seldom(config, tmp_path, 5)
    own = [{id(p) for p in player.phase.trains.parameters()} for player in trainer.players]
    assert [player.phase.every for player in trainer.players] == [1, 3, 1, 3, 1, 3][: len(own)]
    for step in range(5):
        # Some weights are two players'.
        expected = [
            any(
                other.phase.has_turn(step)
                for other, weights in zip(trainer.players, own, strict=True)
                if weights & mine or weights == mine
            )
            for mine in own
        ]
        assert moved(trainer) == expected, step
        assert trainer.step == step + 1


@pytest.mark.slow
def test_seldom_turns_resume_exactly(config: ModelConfig, tmp_path: Path) -> None:
    if needs_length(config):
        pytest.skip("its schedule is one of the run's whole length")
    whole = seldom(config, tmp_path / "whole", 5)
    whole.train()
    for steps in (2, 5):
        parts = seldom(config, tmp_path / "parts", steps)
        parts.train()
    assert parts.step == whole.step == 5
    assert parts.save() == whole.save()
    lines = [read_metrics(RunDir(tmp_path / name).metrics) for name in ("whole", "parts")]
    losses = [
        [{k: v for k, v in line.items() if "/" in k or k == "step"} for line in each]
        for each in lines
    ]
    assert losses[0] == losses[1]
    assert [line["step"] for line in losses[0]] == [2, 4]


@pytest.mark.slow
def test_fifty_steps_on_one_volume_improve_its_reconstruction(config: ModelConfig) -> None:
    fast: dict[str, Any] = {
        field.name: replace(getattr(config, field.name), learning_rate=2e-3)
        for field in fields(config)
        if field.name in ("adam_generator", "adam_encoder")
    }
    if hasattr(config, "encoder_every"):
        fast["encoder_every"] = 1
    torch.manual_seed(0)
    model = build_model(replace(config, **fast))  # type: ignore[arg-type]
    if "encoder" not in model.published():
        pytest.skip("this model does not encode")
    assert isinstance(model, Encodes)
    blobs = Blobs(1, config.num_classes).at(0)

    def error() -> float:
        model.eval()
        with torch.no_grad():
            rebuilt = model.generate(model.encode(blobs.volumes), blobs.labels)
        model.train()
        return float((rebuilt - blobs.volumes).abs().mean())

    from hagan.training.players import make_players

    before = error()
    model.look(iter([blobs.volumes]))
    players = make_players(model.phases())
    later = []
    for step in range(50):
        torch.manual_seed(step)
        model.begin_step(step, step / 50)
        batch = model.prepare(blobs.volumes, blobs.labels)
        for player in players:
            if not player.phase.has_turn(step):
                continue
            model.requires_grad_(False)
            player.phase.trains.requires_grad_(True)
            backward(player.phase, batch)
            player.move()
        if step % 10 == 9:
            later.append(error())
    # G moves on beneath the encoders, so that any single step may be a bad one.
    assert sum(later) / len(later) < 0.75 * before
