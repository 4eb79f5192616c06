"""The patch GAN: its losses by their definitions, its patches, its noise and its memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.recipes import recipe
from hagan.models.baselines.patch_gan import PatchGAN, Pyramid, noise_of
from hagan.networks.patch_grid import around
from hagan.training.cost import step_cost
from hagan.training.live_memory import LiveMemory, peak_of
from training.processes import make_trainer


def made(shape: tuple[int, int, int] = (32, 32, 32), **changes: Any) -> PatchGAN:
    torch.manual_seed(0)
    config = PatchGANConfig(
        volume_shape=shape,
        latent_dim=20,
        width=4,
        largest_low=16,
        patch=16,
        inner=10,
        stride=8,
        blocks=1,
        generator_norm="rms",
        critic_norm="group",
        critic_rest=None,
    )
    return PatchGAN(replace(config, **changes)).double()


def reals(model: PatchGAN, count: int = 2) -> Pyramid:
    volumes = torch.rand(count, 1, *model.volume_shape, dtype=torch.float64) * 2 - 1
    return model.prepare(volumes, None)


def test_each_scale_has_a_critic_and_a_generator() -> None:
    model = made((64, 64, 64))
    names = [phase.name for phase in model.phases()]
    assert names == [f"{who}-{scale}" for scale in (0, 1, 2) for who in ("critic", "generator")]
    rates = {
        p.name: p.adam
        for p in made(adam_critic=replace(model.config.adam_critic, learning_rate=1.0)).phases()
    }
    assert [name for name, adam in rates.items() if adam.learning_rate == 1.0] == [
        "critic-0",
        "critic-1",
    ]


def test_reals_are_means_of_what_they_stand_for() -> None:
    model = made((64, 64, 64))
    levels = reals(model).levels
    assert [level.shape[-1] for level in levels] == [16, 32, 64]
    finest = levels[-1].numpy().reshape(2, 16, 4, 16, 4, 16, 4)
    np.testing.assert_allclose(levels[0][:, 0], finest.mean(axis=(2, 4, 6)), atol=1e-14)


def test_losses_of_scale_0_are_least_squares() -> None:
    model = made()
    batch = reals(model, 3)
    torch.manual_seed(4)
    terms = {name: term.detach() for name, term in model.low_critic_loss(batch).items()}
    torch.manual_seed(4)
    fake = model.generator.low(model.new_latents(3))
    real_scores, fake_scores = (
        model.critic.low(v).detach().numpy() for v in (batch.levels[0], fake)
    )
    assert float(terms["real"]) == pytest.approx(float(((real_scores - 1) ** 2).mean() / 2))
    assert float(terms["fake"]) == pytest.approx(float((fake_scores**2).mean() / 2))
    torch.manual_seed(4)
    (term,) = model.low_generator_loss(batch).values()
    assert float(term.detach()) == pytest.approx(float(((fake_scores - 1) ** 2).mean()))


@pytest.mark.parametrize("num", [1, 2])
def test_losses_of_patches_are_least_squares_and_the_difference(num: int) -> None:
    """Places, noise and surroundings made again, from whole volumes doubled by interpolation."""
    model = made((64, 64, 64), patches=num, low_noise=0.2, rebuilt_weight=7.0)
    batch, scale = reals(model), 2
    torch.manual_seed(5)
    critic = {k: v.detach() for k, v in model.patch_critic_loss(batch, scale=scale).items()}
    torch.manual_seed(5)
    generator = {k: v.detach() for k, v in model.patch_generator_loss(batch, scale=scale).items()}

    torch.manual_seed(5)
    where = torch.rand(2, 3 * num).double().numpy().reshape(2, num, 3)
    normal = torch.randn(2, num * 3 * 16**3).double().view(2, num, 3, 16, 16, 16)
    low, high = batch.levels[1], batch.levels[2]
    doubled = functional.interpolate(low, scale_factor=2.0, mode="trilinear")
    padded = functional.pad(low, (16,) * 6, value=-1.0)
    squares: dict[str, list[float]] = {"real": [], "fake": [], "made": [], "rebuilt": []}
    for volume in range(2):
        for patch in range(num):
            z, y, x = (2 * int(w * 25) for w in where[volume, patch])
            cut = (slice(z, z + 16), slice(y, y + 16), slice(x, x + 16))
            wide = tuple(slice(12 + c // 2, 28 + c // 2) for c in (z, y, x))
            real = high[volume, 0][cut]
            near = torch.stack([doubled[volume, 0][cut], padded[volume, 0][wide]])
            near = near + 0.2 * normal[volume, patch, :2]
            with torch.no_grad():
                fake = model.generator.patches[1](near[None], normal[volume, patch, None, 2:])
                told = model.critic.patches[1]
                of_real, of_fake = (
                    float(told(near[None], real[None, None])),
                    float(told(near[None], fake)),
                )
            squares["real"].append((of_real - 1) ** 2 / 2)
            squares["fake"].append(of_fake**2 / 2)
            squares["made"].append((of_fake - 1) ** 2)
            squares["rebuilt"].append(7 * float((fake[0, 0] - real).abs().mean()))
    means = {name: float(np.mean(values)) for name, values in squares.items()}
    assert float(critic["real"]) == pytest.approx(means["real"], rel=1e-9)
    assert float(critic["fake"]) == pytest.approx(means["fake"], rel=1e-9)
    assert float(generator["fake"]) == pytest.approx(means["made"], rel=1e-9)
    assert float(generator["rebuilt"]) == pytest.approx(means["rebuilt"], rel=1e-9)


def test_a_critic_rests_while_it_is_right_too_often() -> None:
    model = made(critic_rest=0.7)
    right = torch.tensor([0.9, 0.8, 0.6, 0.7]).double()
    wrong = torch.tensor([0.9, 0.1, 0.2, 0.3]).double()
    half = torch.tensor([0.2, 0.3]).double()
    terms = dict(model._told_apart(right, wrong, 4))
    assert {name: float(term) for name, term in terms.items()} == {"real": 0.0, "fake": 0.0}
    terms = dict(model._told_apart(half, half, 2))
    assert float(terms["real"]) == pytest.approx((0.8**2 + 0.7**2) / 4)
    always = dict(made(critic_rest=None)._told_apart(right, wrong, 4))
    assert float(always["fake"]) > 0


def test_patches_lie_anywhere_at_even_places_and_belong_to_their_surroundings() -> None:
    """A volume whose voxels say where they are."""
    model = made(low_noise=0.0)
    ramp = torch.arange(32.0, dtype=torch.float64)[:, None, None].expand(1, 1, 32, 32, 32)
    batch = model.prepare(ramp, None)
    found = set()
    for seed in range(60):
        torch.manual_seed(seed)
        patches = model.draw_patches(batch, 1)
        start = float(patches.real[0, 0, 0, 0, 0])
        found.add(start)
        assert torch.equal(
            patches.surroundings, around(batch.levels[0], (int(start),) * 3, 16)
        ) or (float(patches.surroundings[0, 0, 8, 0, 0]) == pytest.approx(start + 8, abs=0.51))
    assert found == {float(2 * place) for place in range(9)}


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [2, 3])
def test_micro_batches_train_networks_of_patches_as_the_whole_batch_does(
    accumulate: int, tmp_path: Path
) -> None:
    """Scale 0 normalises over the batch, so that it alone may differ; critics may rest."""
    settings = {"critic_norm": "group", "critic_rest": 0.8, "patches": 2, "blocks": 1}
    states = []
    for parts in (1, accumulate):
        folder = tmp_path / str(parts)
        trainer = make_trainer(folder, name="patch-gan-32", model=settings, accumulate=parts)
        for _ in range(2):
            trainer.train_step()
        states.append(trainer.model.state_dict())
    names = [name for name in states[0] if ".patches." in name]
    assert len(names) > 20
    for name in names:
        torch.testing.assert_close(states[1][name], states[0][name], rtol=1e-10, atol=1e-10)


# Generating.


def plain_patch(
    model: PatchGAN, low: Tensor, latents: Tensor, corner: tuple[int, int, int]
) -> Tensor:
    z, y, x = corner
    noise = noise_of(latents, 1, range(32), (32, 32))[..., z : z + 16, y : y + 16, x : x + 16]
    patch: Tensor = model.generator.patches[0](around(low, corner, 16), noise)
    return patch


@pytest.mark.slow
@torch.no_grad()
def test_a_volume_is_its_patches_and_their_means_where_they_overlap() -> None:
    model = made().eval()
    latents = torch.randn(2, 20, dtype=torch.float64)
    volumes, low = model.generate(latents), model.generator.low(latents)
    middle = plain_patch(model, low, latents, (8, 8, 8))
    ahead = plain_patch(model, low, latents, (8, 8, 16))
    inner = slice(13, 19)
    torch.testing.assert_close(
        volumes[..., inner, inner, inner], middle[..., 5:11, 5:11, 5:11], rtol=0, atol=1e-6
    )
    mean = 0.5 * (middle[..., 5:11, 5:11, 11:13] + ahead[..., 5:11, 5:11, 3:5])
    torch.testing.assert_close(volumes[..., inner, inner, 19:21], mean, rtol=0, atol=1e-6)
    corner = plain_patch(model, low, latents, (16, 16, 16))
    torch.testing.assert_close(
        volumes[..., 21:, 21:, 21:], corner[..., 5:, 5:, 5:], rtol=0, atol=1e-6
    )


@torch.no_grad()
@pytest.mark.parametrize("shape", [(32, 48, 64), (64, 64, 64)])
def test_volumes_of_several_shapes_and_scales(shape: tuple[int, int, int]) -> None:
    low = 32 if shape[0] == 32 else 16
    model = made(shape, largest_low=low, inner=16, stride=16).float().eval()
    latents = torch.randn(2, 20)
    volumes = model.generate(latents)
    assert volumes.shape == (2, 1, *shape)
    assert float(volumes.abs().max()) <= 1.0
    torch.testing.assert_close(model.generate(latents[1:]), volumes[1:], rtol=1e-4, atol=1e-5)


def test_noise_is_white_and_the_same_in_every_range() -> None:
    latents = torch.randn(3, 40, dtype=torch.float64)
    noise = noise_of(latents, 1, range(12), (40, 40))
    assert noise.shape == (3, 1, 12, 40, 40)
    torch.testing.assert_close(noise_of(latents, 1, range(5, 9), (40, 40)), noise[:, :, 5:9])
    assert float(noise.mean().abs()) < 0.03
    assert float(noise.std()) == pytest.approx(1.0, abs=0.03)
    flat = noise[0, 0].numpy()
    for axis in range(3):
        moved = np.roll(flat, 1, axis=axis)
        assert abs(float((flat * moved).mean())) < 0.03, axis
    other = noise_of(latents, 2, range(12), (40, 40))
    assert abs(float((noise * other).mean())) < 0.03, "each scale has its own"


def test_noise_is_of_the_code_and_changes_smoothly_with_it() -> None:
    latents = torch.randn(1, 40, dtype=torch.float64)
    noise = noise_of(latents, 1, range(4), (32, 32))
    torch.testing.assert_close(noise_of(2 * latents, 1, range(4), (32, 32)), noise)
    near = noise_of(latents + 1e-4, 1, range(4), (32, 32))
    assert 0 < float((near - noise).abs().max()) < 1e-2
    opposite = noise_of(-latents, 1, range(4), (32, 32))
    torch.testing.assert_close(opposite, -noise)


# Memory.


def held(model: PatchGAN, name: str) -> int:
    """Bytes that a phase's loss and its gradients hold at once."""
    batch = model.prepare(torch.zeros(2, 1, *model.volume_shape), None)
    (phase,) = (phase for phase in model.phases() if phase.name == name)
    with LiveMemory() as live:
        torch.stack(list(phase.loss(batch).values())).sum().backward()  # type: ignore[no-untyped-call]
        model.zero_grad()
    return live.peak


@pytest.mark.parametrize("who", ["critic", "generator"])
def test_phases_of_patches_hold_no_more_at_twice_the_side(who: str) -> None:
    small, large = made((32, 32, 32)).float(), made((64, 64, 64)).float()
    expected = held(small, f"{who}-1")
    assert held(large, f"{who}-1") == expected
    assert held(large, f"{who}-2") == expected


@pytest.mark.slow
def test_beside_the_volumes_generating_holds_little_more_at_twice_the_side() -> None:
    """Activations of one patch, and a row of noise; a network on all would hold 8 times as much."""
    beside = []
    for side in (32, 64):
        model = made((side,) * 3, width=16, inner=16, stride=16).float().eval()
        latents = torch.randn(1, 20)
        volumes = 4 * side**3
        noise = NOISE_BYTES * side**2
        beside.append(peak_of(lambda: model.generate(latents)) - 2 * volumes - noise)  # noqa: B023
    assert beside[1] < 1.25 * beside[0]


NOISE_BYTES = 4 * (16 + 2 * 16)
"""A slice of each field, and a row of slices while it is joined."""


def test_the_cost_of_a_step_is_found_without_computing_it() -> None:
    cost = step_cost(recipe("patch-gan-tiny-32"))
    assert [phase.name for phase in cost.phases] == [
        "critic-0",
        "generator-0",
        "critic-1",
        "generator-1",
    ]
    assert all(phase.peak > cost.states for phase in cost.phases)
