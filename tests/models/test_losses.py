"""Losses against independent computations in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from hagan.models.losses import (
    bce,
    class_loss,
    gradient_penalty,
    gradient_square,
    kl_to_prior,
    least_squares,
    path_lengths,
    prior_moments,
    rebuilt_l1,
    relativistic,
    wasserstein,
)


def logits(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_bce_by_its_definition() -> None:
    x = logits(-3.0, 0.5, 40.0)
    p = torch.sigmoid(x[:2])
    expected = torch.cat((-torch.log(p), -torch.log(torch.sigmoid(x[2:])))).mean()
    torch.testing.assert_close(bce(x, real=True), expected)
    torch.testing.assert_close(
        bce(x, real=False), functional.binary_cross_entropy_with_logits(x, torch.zeros_like(x))
    )


def test_relativistic_falls_as_the_better_rises() -> None:
    worse = logits(0.0, 1.0)
    assert relativistic(worse + 3, worse) < relativistic(worse + 1, worse)
    torch.testing.assert_close(
        relativistic(worse, worse), torch.log(torch.tensor(2.0, dtype=torch.float64))
    )


def test_gradient_square_against_a_closed_form() -> None:
    """For D(x) = a . x^2 / 2 the gradient is a * x; the penalty is the mean of its square norm."""
    torch.manual_seed(0)
    a = torch.randn(1, 1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, 1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    penalty = gradient_square((a * x.square() / 2).flatten(1).sum(1), x)
    expected = (a * x).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(penalty, expected)
    (by_penalty,) = torch.autograd.grad(penalty, a, retain_graph=True)
    (by_hand,) = torch.autograd.grad(expected, a)
    torch.testing.assert_close(by_penalty, by_hand)


def test_class_loss_is_the_log_likelihood() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 4, dtype=torch.float64)
    labels = functional.one_hot(torch.tensor([0, 3, 1]), 4).double()
    expected = -(torch.log_softmax(x, 1) * labels).sum(1).mean()
    torch.testing.assert_close(class_loss(x, labels), expected)


def test_body_voxels_count_as_often_as_asked() -> None:
    real = torch.full((1, 1, 1, 1, 4), -1.0)
    real[..., 0] = 0.5
    rebuilt = torch.full_like(real, -1.0)
    plain = rebuilt_l1(rebuilt, real)
    torch.testing.assert_close(plain, torch.tensor(1.5 / 4))
    weighted = rebuilt_l1(rebuilt, real, body_weight=4.0, body_threshold=-0.95)
    torch.testing.assert_close(weighted, torch.tensor(4 * 1.5 / 7))


def test_prior_moments_vanish_for_the_right_spread_only() -> None:
    torch.manual_seed(0)
    assert float(prior_moments(torch.randn(200, 500, dtype=torch.float64))) < 1e-3
    same_for_all = torch.ones(4, 8)
    assert float(prior_moments(same_for_all)) == pytest.approx(1.0, abs=1e-3)
    assert float(prior_moments(torch.ones(1, 8))) == pytest.approx(0.0, abs=1e-6)
    assert float(prior_moments(3 * torch.randn(50, 50))) == pytest.approx(8.0, rel=0.2)


def test_prior_moments_push_equal_codes_apart_with_a_finite_gradient() -> None:
    codes = torch.ones(4, 8, requires_grad=True)
    prior_moments(codes).backward()
    assert codes.grad is not None
    assert bool(torch.isfinite(codes.grad).all())


def test_least_squares_pull_scores_of_reals_to_one_and_of_fakes_to_zero() -> None:
    scores = torch.randn(6, dtype=torch.float64)
    values = scores.numpy()
    assert float(least_squares(scores, real=True)) == pytest.approx(((values - 1) ** 2).mean())
    assert float(least_squares(scores, real=False)) == pytest.approx((values**2).mean())


def test_path_lengths_of_linear_volumes_are_norms_of_their_matrices() -> None:
    """Each layer's style adds a matrix times itself, so that the slope along noise is known."""
    torch.manual_seed(0)
    matrices = torch.randn(3, 24, 5, dtype=torch.float64)
    styles = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    volumes = torch.einsum("lvz,blz->bv", matrices, styles).view(2, 1, 2, 3, 4)
    noise = torch.randn(2, 1, 2, 3, 4, dtype=torch.float64)
    lengths = path_lengths(volumes, styles, noise).detach().numpy()
    for volume in range(2):
        along = noise[volume].flatten().numpy() / np.sqrt(24)
        slopes = [along @ matrix.numpy() for matrix in matrices]
        expected = np.sqrt(np.mean([slope @ slope for slope in slopes]))
        assert lengths[volume] == pytest.approx(expected, rel=1e-10)


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    mean, log_variance = (torch.randn(4, 5, dtype=torch.float64) for _ in range(2))
    given = Normal(mean, (0.5 * log_variance).exp())
    expected = kl_divergence(given, Normal(torch.zeros(()).double(), 1.0)).mean()
    torch.testing.assert_close(kl_to_prior(mean, log_variance), expected)


def test_the_distance_of_scores_is_their_means() -> None:
    better, worse = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    expected = float(np.mean(worse.numpy()) - np.mean(better.numpy()))
    assert float(wasserstein(better, worse)) == pytest.approx(expected)


@pytest.mark.parametrize("of", ["volume", "voxel"])
def test_the_penalty_of_a_linear_critic_is_known(of: str) -> None:
    """Its slope is its weight everywhere."""
    weight = torch.randn(2, 3, 4, dtype=torch.float64)
    one, other = (torch.randn(6, 2, 3, 4, dtype=torch.float64) for _ in range(2))
    found = gradient_penalty(
        lambda x: (x * weight).flatten(1).sum(1),
        one,
        other,
        torch.rand(6, 1, dtype=torch.float64),
        of=of,  # type: ignore[arg-type]
    )
    slope = weight.numpy()
    expected = (np.sqrt((slope**2).sum()) - 1) ** 2
    if of == "voxel":
        expected = ((np.abs(slope) - 1) ** 2).mean()
    assert float(found.detach()) == pytest.approx(expected, rel=1e-6)


def test_the_penalty_looks_between_the_sets() -> None:
    """Of a quadratic critic the slope is twice the place."""
    one, other = (torch.randn(3, 4, dtype=torch.float64) for _ in range(2))
    mix = torch.tensor([[0.0], [0.25], [1.0]], dtype=torch.float64)
    found = gradient_penalty(lambda x: x.square().sum(1), one, other, mix)
    place = mix.numpy() * one.numpy() + (1 - mix.numpy()) * other.numpy()
    expected = np.mean((2 * np.sqrt((place**2).sum(1)) - 1) ** 2)
    assert float(found.detach()) == pytest.approx(expected, rel=1e-6)
