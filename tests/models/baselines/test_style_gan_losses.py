"""StyleGAN 2: losses against explicit computations and finite differences in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hagan.models.baselines.reals import Reals
from hagan.models.baselines.style_gan import Draws, StyleGAN
from hagan.networks.style_noise import seeded_noises
from models.baselines.small_style_gan import SHAPE, made, volumes_of

# The discriminator's turn.


def explicit_logit(model: StyleGAN, volumes: list[Tensor], place: int) -> Tensor:
    """Of one volume, its group's deviation by numpy's definition; three volumes are one group."""
    rows = torch.stack([model.discriminator.features(v[None])[0] for v in volumes])
    centred = rows - rows.sum(dim=0) / len(rows)
    deviation = ((centred**2).sum(dim=0) / len(rows) + 1e-8) ** 0.5
    number = deviation.sum() / deviation.numel()
    return model.discriminator.logits(rows[place : place + 1], number.view(1, 1))[0]


@pytest.mark.parametrize("step", [0, 1, 2, 4])
def test_the_discriminator_minimises_the_logistic_loss_and_when_due_the_slope(step: int) -> None:
    model = made(step)
    real = volumes_of()
    torch.manual_seed(4)
    terms = dict(model.discriminator_loss(Reals(real)))
    torch.manual_seed(4)
    with torch.no_grad():
        fake = model.make(model.draw(3))
    of_real = torch.stack([explicit_logit(model, list(real), place) for place in range(3)])
    of_fake = torch.stack([explicit_logit(model, list(fake), place) for place in range(3)])
    expected = {
        "real": -torch.log(torch.sigmoid(of_real)).mean(),
        "fake": -torch.log(1 - torch.sigmoid(of_fake)).mean(),
    }
    if step % 4 == 0:
        slopes = []
        for place in range(3):
            leaves = [volume.clone() for volume in real]
            leaves[place].requires_grad_()
            explicit_logit(model, leaves, place).backward()
            assert leaves[place].grad is not None
            slopes.append((leaves[place].grad ** 2).sum())
        expected["slope"] = 4 * 3.0 / 2 * sum(slopes) / 3  # type: ignore[assignment]
    assert set(terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-8, atol=1e-11, msg=name)


def finite_difference(value: Any, weight: Tensor, place: tuple[int, ...]) -> float:
    step, moved = 1e-6, []
    for change in (step, -2 * step):
        with torch.no_grad():
            weight[place] += change
        moved.append(float(value().detach()))
    with torch.no_grad():
        weight[place] += step
    return (moved[0] - moved[1]) / (2 * step)


def test_the_slopes_gradient_is_that_of_finite_differences() -> None:
    """With one volume there is no other in the group that the penalty would hold."""
    model = made()
    batch = Reals(volumes_of(1))
    weight = dict(model.discriminator.named_parameters())[
        "blocks.0.first.parametrizations.weight.original"
    ]

    def slope() -> Tensor:
        torch.manual_seed(6)
        return dict(model.discriminator_loss(batch))["slope"]

    (gradient,) = torch.autograd.grad(slope(), weight)
    place = (1, 0, 2, 1, 1)
    assert float(gradient[place]) == pytest.approx(
        finite_difference(slope, weight, place), rel=1e-4
    )


# The generator's turn.


def explicit_lengths(model: StyleGAN, draws: Draws, seeds: Tensor) -> list[float]:
    """Slopes of each volume along its noise, from finite differences of each style's entries."""
    lengths = []
    synthesis = model.generator.synthesis
    for row in range(len(draws.latents)):
        one = Draws(
            *(x[row : row + 1] for x in (draws.latents, draws.others, draws.cuts, draws.seeds))
        )
        with torch.no_grad():
            styles = model.styles(one)
            (noise,) = seeded_noises([SHAPE], seeds[row : row + 1], styles)

            def along(styles: Tensor, one: Draws = one, noise: Tensor = noise) -> float:
                noises = seeded_noises(synthesis.grids, one.seeds, styles)
                return float((synthesis(styles, noises) * noise).sum()) / np.sqrt(8 * 10 * 12)

            squares = np.zeros((4, 4))
            for layer in range(4):
                for entry in range(4):
                    change = torch.zeros_like(styles)
                    change[0, layer, entry] = 1e-5
                    slope = (along(styles + change) - along(styles - change)) / 2e-5
                    squares[layer, entry] = slope**2
        lengths.append(float(np.sqrt(squares.sum(axis=1).mean())))
    return lengths


@pytest.mark.parametrize(("count", "chosen"), [(1, [0]), (2, [0]), (3, [0]), (4, [0, 2])])
def test_the_path_length_is_that_of_finite_differences(count: int, chosen: list[int]) -> None:
    """Over half of the batch, and at least one."""
    model = made()
    model.path_mean.fill_(0.2)
    torch.manual_seed(3)
    penalty = model.path_penalty(count)
    torch.manual_seed(3)
    draws = model.draw(count)
    seeds = torch.randint(2**53, (count, 1)).double()
    lengths = [explicit_lengths(model, draws, seeds)[row] for row in chosen]
    mean = 0.2 + 0.01 * (np.mean(lengths) - 0.2)
    assert float(model.path_mean) == pytest.approx(mean, rel=1e-6)
    expected = np.mean([(length - mean) ** 2 for length in lengths])
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-5)


def test_the_path_lengths_gradient_is_that_of_finite_differences() -> None:
    model = made()
    model.eval()
    layers = model.generator.synthesis.layers
    for weight, place in (
        (layers[1].conv.weight, (1, 0, 2, 1, 1)),
        (layers[2].conv.scales.weight, (1, 2)),
        (model.generator.mapping.layers[0].bias, (1,)),
    ):

        def penalty() -> Tensor:
            torch.manual_seed(6)
            return model.path_penalty(2)

        (gradient,) = torch.autograd.grad(penalty(), weight)
        # In evaluation mode the running mean stays, but what is subtracted follows the lengths a
        # hundredth of the way, which counts as constant.
        assert float(gradient[place]) == pytest.approx(
            finite_difference(penalty, weight, place), rel=0.02
        )


def test_the_generator_minimises_the_logistic_loss_and_when_due_the_path() -> None:
    for step in range(5):
        model = made(step)
        torch.manual_seed(4)
        terms = dict(model.generator_loss(Reals(volumes_of())))
        torch.manual_seed(4)
        volumes_of()
        fake = list(model.make(model.draw(3)))
        logits = torch.stack([explicit_logit(model, fake, place) for place in range(3)])
        torch.testing.assert_close(terms["fake"], -torch.log(torch.sigmoid(logits)).mean())
        assert ("path" in terms) == (step % 2 == 0)
        if step % 2 == 0:
            model.path_mean.zero_()
            torch.testing.assert_close(terms["path"], 2.0 * 2 * model.path_penalty(3))


def test_nothing_is_lazy_at_an_interval_of_one() -> None:
    for step in range(3):
        model = made(step, r1_every=1, path_every=1)
        assert "slope" in model.discriminator_loss(Reals(volumes_of()))
        assert "path" in model.generator_loss(Reals(volumes_of()))


def test_the_mean_style_follows_in_the_generators_turn_of_training_alone() -> None:
    model = made(1)
    mean = model.generator.mapping.mean
    model.discriminator_loss(Reals(volumes_of()))
    model.generate(model.draw_latents(2))
    assert not mean.any()
    torch.manual_seed(2)
    model.generator_loss(Reals(volumes_of(2)))
    torch.manual_seed(2)
    volumes_of(2)
    styles = model.generator.mapping(model.draw(2).latents).detach()
    torch.testing.assert_close(mean, 0.005 * (styles[0] + styles[1]) / 2)
    model.eval()
    model.begin_step(0)
    kept = mean.clone(), model.path_mean.clone()
    model.generator_loss(Reals(volumes_of()))
    assert torch.equal(mean, kept[0])
    assert torch.equal(model.path_mean, kept[1])


def test_a_logit_depends_on_the_variety_of_its_group() -> None:
    model = made()
    volumes = volumes_of().requires_grad_()
    logits = model.logits(model.discriminator.features(volumes))
    (gradient,) = torch.autograd.grad(logits[0], volumes)
    assert float(gradient[1].abs().max()) > 0
    own = model.own_logits(model.discriminator.features(volumes))
    torch.testing.assert_close(own, logits)
    (gradient,) = torch.autograd.grad(own[0], volumes)
    assert float(gradient[1:].abs().max()) == 0
