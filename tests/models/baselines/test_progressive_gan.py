"""Progressive GAN: its sizes, schedule and losses against their definitions, and exact cuts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hagan.config.baselines.progressive_gan import ProgressiveGANConfig, Stage
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.data.batches import Batch
from hagan.models.baselines.progressive_gan import ProgressiveGAN
from hagan.models.baselines.reals import Reals
from hagan.models.build import build_model
from hagan.models.weights import load_model
from hagan.networks.forms import forms_of
from hagan.training.checkpoint import newest_checkpoint
from hagan.training.trainer import Trainer
from hagan.training.tuning import fastest_forms

PORT: dict[str, Any] = {
    "layout": "strided",
    "equalised": False,
    "deviation_group": 0,
    "output": "tanh",
    "critic_widening": 2,
    "first_level": 1,
}

SHORT = ProgressiveGANConfig(
    volume_shape=(16, 16, 16), latent_dim=8, width=6, fade_steps=(2,), stable_steps=(1,)
)
"""Level 0 at step 0; 1 fades in at 1 and 2 and stays at 3; 2 fades in at 4 and 5, then stays."""


def made(step: int = 0, **changes: Any) -> ProgressiveGAN:
    torch.manual_seed(0)
    model = ProgressiveGAN(replace(SHORT, **changes)).double()
    model.begin_step(step)
    return model


def volumes_of(count: int = 3, shape: tuple[int, int, int] = (16, 16, 16)) -> Tensor:
    return torch.rand(count, 1, *shape, dtype=torch.float64) * 2 - 1


def test_networks_have_the_ports_sizes() -> None:
    """Side 128, from the widths and kernels that it lists."""
    with torch.device("meta"):
        model = build_model(recipe("progressive-gan-128").model)
    assert isinstance(model, ProgressiveGAN)

    def conv(before: int, after: int, kernel: int = 4) -> int:
        return before * after * kernel**3 + after

    wide = [256, 256, 128, 64, 32, 16]
    grown = sum(conv(a, b) + conv(b, b) for a, b in zip([256, *wide[:-1]], wide, strict=True))
    ends = sum(conv(width, 1, 1) for width in wide)
    generator = (1024 + 1) * 256 * 8 + grown + ends
    wide = [512, 256, 128, 64, 32, 16]
    shrinking = sum(conv(b, a) for a, b in zip([512, *wide[:-1]], wide, strict=True))
    ends = sum(conv(1, width, 1) for width in wide)
    critic = shrinking + ends + (8 * 512 + 1) * 512 + 512 + 1
    assert sum(p.numel() for p in model.generator.parameters()) == generator
    assert sum(p.numel() for p in model.critic.parameters()) == critic


def test_a_step_has_the_level_and_the_fade_of_its_number_alone() -> None:
    model = made()
    assert model.stage == Stage(0)
    for step in (1000, 4, 0, 3, 5):
        model.begin_step(step)
        assert model.stage == SHORT.stage_at(step)
    assert [model.stage.level, model.stage.fade] == [2, 2 / 3]
    assert SHORT.stage_at(made().costliest_step()) == Stage(2, 1 / 3)
    assert SHORT.stage_at(made().costliest_step() - 1).level == 1
    without = replace(SHORT, fade_steps=(0,))
    assert without.stage_at(made(fade_steps=(0,)).costliest_step()) == Stage(2)


@pytest.mark.parametrize("shape", [(16, 16, 16), (20, 24, 28)])
def test_reals_are_shrunk_to_the_level_and_mixed_with_their_coarser_form(
    shape: tuple[int, int, int],
) -> None:
    volumes = volumes_of(2, shape)
    numbers = volumes.numpy()[:, 0]

    def shrunk(block: int) -> Any:
        d, h, w = (size // block for size in shape)
        return numbers.reshape(2, d, block, h, block, w, block).mean(axis=(2, 4, 6))

    def repeat(coarse: Any) -> Any:
        for axis in (1, 2, 3):
            coarse = coarse.repeat(2, axis=axis)
        return coarse

    expected = {
        0: shrunk(4),
        1: 2 / 3 * repeat(shrunk(4)) + 1 / 3 * shrunk(2),
        3: shrunk(2),
        5: 1 / 3 * repeat(shrunk(2)) + 2 / 3 * numbers,
        6: numbers,
    }
    for step, values in expected.items():
        model = made(step, volume_shape=shape)
        found = model.prepare(volumes, None).volumes[:, 0].numpy()
        np.testing.assert_allclose(found, values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("changes", [{}, PORT], ids=["karras", "port"])
@pytest.mark.parametrize("step", [0, 1, 3, 4, 6])
def test_whole_volumes_are_made_at_every_level(step: int, changes: dict[str, Any]) -> None:
    model = made(step, volume_shape=(20, 24, 28), **changes)
    latents = torch.randn(2, 8, dtype=torch.float64)
    whole, judged = model.generate(latents), model.make(latents)
    assert whole.shape == (2, 1, 20, 24, 28)
    times = 20 // judged.shape[2]
    assert times == 2 ** (2 - model.stage.level)
    torch.testing.assert_close(whole[:, :, ::times, ::times, ::times], judged.clamp(-1, 1))
    torch.testing.assert_close(whole[:, :, times - 1 :: times], whole[:, :, ::times])


def test_a_linear_output_is_judged_as_it_is_and_clamped_for_use() -> None:
    model = made(6)
    with torch.no_grad():
        for parameter in model.generator.to_volume[2].parameters():
            parameter.mul_(50).add_(3)
        latents = torch.randn(2, 8, dtype=torch.float64)
        assert float(model.make(latents).max()) > 2
        assert float(model.generate(latents).abs().max()) == 1.0


def explicit_score(model: ProgressiveGAN, volumes: list[Tensor], place: int) -> Tensor:
    """The score of one volume of a batch that is a single group."""
    stage, critic = model.stage, model.critic
    features = [critic.features(v[None], stage.level, stage.fade)[0] for v in volumes]
    if not model.config.deviation_group:
        return critic.scores(features[place][None])[0]
    mean = torch.stack(features).sum(0) / len(features)
    square = torch.stack([(f - mean) ** 2 for f in features]).sum(0) / len(features)
    number = ((square + 1e-8) ** 0.5).sum() / square.numel()
    return critic.scores(features[place][None], number.view(1, 1))[0]


@pytest.mark.parametrize("changes", [{}, PORT], ids=["karras", "port"])
@pytest.mark.parametrize("step", [0, 2, 4, 6])
def test_the_critic_minimises_distance_slope_and_drift(step: int, changes: dict[str, Any]) -> None:
    model = made(step, penalty_weight=7.0, drift_weight=0.3, **changes)
    batch = model.prepare(volumes_of(), None)
    torch.manual_seed(4)
    terms = dict(model.critic_loss(batch))
    torch.manual_seed(4)
    with torch.no_grad():
        fake = list(model.make(model.new_latents(3)))
    mix = torch.rand(3, 1).double()
    real = list(batch.volumes)
    of_real = [explicit_score(model, real, place) for place in range(3)]
    of_fake = [explicit_score(model, fake, place) for place in range(3)]
    distance = (sum(of_fake) - sum(of_real)) / 3
    drift = 0.3 * sum(score**2 for score in of_real) / 3
    penalty = torch.zeros((), dtype=torch.float64)
    between = [m * r + (1 - m) * f for m, r, f in zip(mix, real, fake, strict=True)]
    for place in range(3):
        # The slope of a volume's own score; the others of its group stay where they are.
        leaves = [volume.clone() for volume in between]
        leaves[place].requires_grad_()
        explicit_score(model, leaves, place).backward()
        assert leaves[place].grad is not None
        penalty += 7.0 * (leaves[place].grad.norm() - 1) ** 2 / 3
    expected = {"distance": distance, "penalty": penalty, "drift": drift}
    assert set(terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-9, atol=1e-11, msg=name)
    with torch.no_grad():
        torch.manual_seed(4)
        (loss,) = model.generator_loss(batch).values()
    torch.testing.assert_close(loss, -sum(of_fake) / 3, rtol=1e-10, atol=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, PORT], ids=["karras", "port"])
def test_the_penaltys_gradient_is_that_of_finite_differences(changes: dict[str, Any]) -> None:
    """With one volume there is no other in the group that the penalty would hold."""
    model = made(4, **changes)
    batch = model.prepare(volumes_of(1), None)
    weight = dict(model.critic.named_parameters())[
        "blocks.1.0.weight" if changes else "blocks.1.0.parametrizations.weight.original"
    ]

    def penalty() -> Tensor:
        torch.manual_seed(6)
        return dict(model.critic_loss(batch))["penalty"]

    (gradient,) = torch.autograd.grad(penalty(), weight)
    place = (1, 0, 2, 1, 1)
    step = 1e-6
    moved = []
    for change in (step, -2 * step):
        with torch.no_grad():
            weight[place] += change
        moved.append(float(penalty().detach()))
    above, below = moved
    assert float(gradient[place]) == pytest.approx((above - below) / (2 * step), rel=1e-4)


def test_the_generator_learns_from_the_variety_of_its_group() -> None:
    """A score depends on the others of its group, which have a gradient of it."""
    model = made(3)
    volumes = volumes_of(3, (8, 8, 8)).requires_grad_()
    (gradient,) = torch.autograd.grad(model.scores(volumes)[0], volumes)
    assert float(gradient[1].abs().max()) > 0
    (own,) = torch.autograd.grad(model.own_scores(volumes)[0], volumes)
    assert float(own[1:].abs().max()) == 0
    torch.testing.assert_close(model.own_scores(volumes), model.scores(volumes))


class Noise:
    """Other random volumes at each step, in float64."""

    def __init__(self, count: int, dtype: torch.dtype) -> None:
        self.count, self.dtype = count, dtype

    def at(self, step: int, repeat: int = 0) -> Batch:
        generator = torch.Generator().manual_seed(step)
        volumes = torch.rand(self.count, 1, 16, 16, 16, generator=generator, dtype=self.dtype)
        return Batch(volumes=volumes * 2 - 1, labels=None)


def trainer_of(
    config: ProgressiveGANConfig, folder: Path, dtype: torch.dtype, **training: Any
) -> Trainer:
    run = RunConfig(name="test", model=config, training=TrainingConfig(**training))
    torch.manual_seed(0)
    model = build_model(config).to(dtype)
    return Trainer(model, run, Noise(run.training.batch_size, dtype), RunDir(folder))


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, PORT], ids=["karras", "port"])
@pytest.mark.parametrize("accumulate", [2, 3])
def test_a_batch_in_parts_moves_weights_as_the_whole(
    changes: dict[str, Any], accumulate: int, tmp_path: Path
) -> None:
    """Five volumes, in groups that no cut respects, through levels and a fade."""
    config = replace(SHORT, width=4, fade_steps=(1,), **changes)
    runs = [
        trainer_of(config, tmp_path / str(k), torch.float64, batch_size=5, accumulate=k)
        for k in (1, accumulate)
    ]
    for _ in range(4):
        whole, parts = (run.train_step() for run in runs)
        assert parts == pytest.approx(whole, rel=1e-10, abs=1e-12)
    for name, tensor in runs[0].model.state_dict().items():
        other = runs[1].model.state_dict()[name]
        torch.testing.assert_close(other, tensor, rtol=1e-8, atol=1e-9, msg=name)


def test_levels_that_are_not_reached_keep_their_weights_and_have_no_moments(
    tmp_path: Path,
) -> None:
    trainer = trainer_of(SHORT, tmp_path, torch.float32, batch_size=2)
    first = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}

    def moved() -> set[str]:
        return {
            name
            for name, p in trainer.model.named_parameters()
            if not torch.equal(p.detach(), first[name])
        }

    trainer.train_step()
    assert all(".0." in name for name in moved())
    generator = next(p for p in trainer.players if p.phase.name == "generator")
    assert generator.adam is not None
    has_moments = {id(weight) for weight in generator.adam.state}
    for name, weight in trainer.model.generator.named_parameters():
        assert (id(weight) in has_moments) == (f"generator.{name}" in moved()), name
    trainer.train_step()
    assert {name.split(".")[2] for name in moved()} == {"0", "1"}
    weight = dict(trainer.model.generator.named_parameters())["to_volume.1.bias"]
    assert int(generator.adam.state[weight]["step"]) == 1, "its moments begin with its level"


def test_a_run_goes_on_in_a_later_level_and_is_sampled_at_it(tmp_path: Path) -> None:
    """Stopped at the end of level 1; the checkpoint has moments for some weights only."""

    def train(folder: str, steps: int) -> Trainer:
        trainer = trainer_of(
            SHORT, tmp_path / folder, torch.float32, batch_size=2, steps=steps,
            average_half_life=5.0, preview_every=2,
        )  # fmt: skip
        trainer.train()
        return trainer

    train("whole", 6)
    train("parts", 3)
    halfway = load_model(tmp_path / "parts")
    assert isinstance(halfway.model, ProgressiveGAN)
    assert halfway.model.stage == SHORT.stage_at(3) == Stage(1)
    made = halfway.model.generate(halfway.model.draw_latents(1))
    assert made.shape == (1, 1, 16, 16, 16)
    assert torch.equal(made[..., ::2], made[..., 1::2])
    train("parts", 6)
    whole, parts = (newest_checkpoint(RunDir(tmp_path / f).state) for f in ("whole", "parts"))
    assert whole is not None
    assert parts is not None
    assert whole.step == parts.step == 6
    assert set(whole.tensors) == set(parts.tensors)
    for name, tensor in whole.tensors.items():
        assert torch.equal(tensor, parts.tensors[name]), name
    weights = [RunDir(tmp_path / f).weights.read_bytes() for f in ("whole", "parts")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("changes", [{}, PORT], ids=["karras", "port"])
def test_bf16_goes_through_every_stage(changes: dict[str, Any], tmp_path: Path) -> None:
    config = replace(SHORT, fade_steps=(1,), **changes)
    for accumulate in (1, 2):
        trainer = trainer_of(
            config,
            tmp_path / str(accumulate),
            torch.float32,
            batch_size=2,
            accumulate=accumulate,
            precision="bf16",
        )
        for _ in range(5):
            values = trainer.train_step()
            assert all(np.isfinite(value) for value in values.values())


def test_forms_are_measured_where_it_is_grown() -> None:
    model = made().float()
    forms_before = set(forms_of(model))
    seen: list[Stage] = []
    model.generator.register_forward_pre_hook(lambda *_: seen.append(model.stage))
    fastest_forms(model, Noise(2, torch.float32).at(0), "fp32", torch.device("cpu"))
    assert {stage.level for stage in seen} == {2}
    assert model.stage == Stage(0)
    assert forms_before == {"generator.blocks.1.first", "generator.blocks.2.first"}


def test_one_volume_is_a_batch() -> None:
    model = made(4)
    batch = Reals(model.prepare(volumes_of(1), None).volumes)
    for phase in model.phases():
        model.zero_grad()
        sum(phase.loss(batch).values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in phase.trains.parameters() if p.grad is not None]
        assert gradients
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
