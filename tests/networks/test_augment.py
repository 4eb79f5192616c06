"""Changes of what D sees: one map for every level of a subject, with gradients of gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hagan.config.augment import AugmentConfig
from hagan.networks.augment import NUM_DRAWS, Augment, augmented, new_draws, sampled

ALWAYS = 1.0


def smooth(count: int = 3, shape: tuple[int, int, int] = (8, 48, 48)) -> Tensor:
    """Volumes without fine detail that are air at their borders."""
    torch.manual_seed(0)
    field = torch.rand(count, 1, 2, 5, 5, dtype=torch.float64)
    field = functional.interpolate(field, shape, mode="trilinear", align_corners=True)
    axes = [torch.linspace(-1, 1, size, dtype=torch.float64) for size in shape[1:]]
    window = torch.cos(axes[0] * math.pi / 2)[:, None] * torch.cos(axes[1] * math.pi / 2)
    return 2 * field * window - 1


def draws_of(count: int, **given: float) -> Tensor:
    """Draws of no change but those given: shifts from 0 to 1, others in standard deviations."""
    names = ("aside", "down", "scale", "turn", "gain", "curve")
    values = {"aside": 0.5, "down": 0.5} | given
    row = [0.5] * 5 + [values.get(name, 0.0) for name in names]
    return torch.tensor([row] * count, dtype=torch.float64)


def test_nothing_changes_where_no_change_happens() -> None:
    volumes = smooth()
    same = augmented(volumes, new_draws(3), 0.0, AugmentConfig())
    torch.testing.assert_close(same, volumes, atol=1e-12, rtol=0)


def test_levels_of_a_subject_are_changed_alike() -> None:
    """A slab is that part of the changed whole; what is shrunk is changed as the whole shrunk."""
    config = AugmentConfig()
    volumes, draws = smooth(), new_draws(3)
    whole = augmented(volumes, draws, ALWAYS, config)
    assert float((whole - volumes).abs().mean()) > 0.03
    slab = augmented(volumes[:, :, 2:5], draws, ALWAYS, config)
    torch.testing.assert_close(slab, whole[:, :, 2:5])
    low = augmented(functional.avg_pool3d(volumes, 4), draws, ALWAYS, config)
    off = (low - functional.avg_pool3d(whole, 4)).abs()
    unchanged = (functional.avg_pool3d(volumes - whole, 4)).abs()
    assert float(off.mean()) < 0.15 * float(unchanged.mean())
    parts = volumes.reshape(6, 1, 4, 48, 48)
    torch.testing.assert_close(
        augmented(parts, draws, ALWAYS, config), whole.reshape(6, 1, 4, 48, 48)
    )


def test_subjects_are_changed_by_their_own_draws() -> None:
    volumes, draws = smooth(), new_draws(3)
    both = augmented(volumes, draws, ALWAYS, AugmentConfig())
    alone = augmented(volumes[1:2], draws[1:2], ALWAYS, AugmentConfig())
    torch.testing.assert_close(both[1:2], alone)


def test_a_shift_moves_by_its_share_of_the_side() -> None:
    volumes = torch.full((1, 1, 2, 16, 32), -1.0, dtype=torch.float64)
    volumes[0, 0, :, 6, 20] = 1.0
    config = AugmentConfig(shift=0.125)
    moved = augmented(volumes, draws_of(1, aside=1.0, down=0.0), ALWAYS, config)
    # It samples further right and further up, so what was there comes left and down.
    assert float(moved[0, 0, 0, 8, 16]) == pytest.approx(1.0)


def test_a_turn_keeps_distances_in_planes_that_are_not_square() -> None:
    volumes = torch.full((1, 1, 1, 32, 64), -1.0, dtype=torch.float64)
    volumes[0, 0, 0, 15:17, 31:45] = 1.0
    turned = augmented(volumes, draws_of(1, turn=1.0), ALWAYS, AugmentConfig(turn=90.0))
    expected = torch.full_like(volumes, -1.0)
    expected[0, 0, 0, 3:17, 31:33] = 1.0
    other = torch.full_like(volumes, -1.0)
    other[0, 0, 0, 15:29, 31:33] = 1.0
    errors = [float((turned - one).abs().max()) for one in (expected, other)]
    assert min(errors) < 1e-9, errors


def test_air_stays_air_whatever_happens_to_intensities() -> None:
    config = AugmentConfig(gain=0.5, curve=0.5)
    air = torch.full((1, 1, 2, 8, 8), -1.0, dtype=torch.float64)
    torch.testing.assert_close(
        augmented(air, draws_of(1, gain=2.0, curve=2.0), ALWAYS, config), air
    )
    grey = torch.zeros_like(air)
    changed = augmented(grey, draws_of(1, gain=1.0, curve=1.0), ALWAYS, config)[0, 0, 0, 4, 4]
    t = math.exp(0.5) * 0.5 * (1 + 0.5 * 0.5)
    assert float(changed) == pytest.approx(2 * t - 1)


def test_each_change_happens_as_often_as_asked() -> None:
    torch.manual_seed(1)
    draws = new_draws(4000)
    assert draws.shape == (4000, NUM_DRAWS)
    volumes = torch.zeros(1, 1, 1, 4, 4).expand(4000, -1, -1, -1, -1)
    only_gain = AugmentConfig(shift=0.0, scale=0.0, turn=0.0, curve=0.0)
    changed = augmented(volumes, draws, 0.3, only_gain) != 0
    share = float(changed.flatten(1).any(dim=1).double().mean())
    assert share == pytest.approx(0.3, abs=0.03)


def test_samples_and_their_gradients_of_gradients_are_right() -> None:
    torch.manual_seed(2)
    planes = torch.randn(2, 3, 6, 5, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 6, 5, 2, dtype=torch.float64) * 2.4 - 1.2
    torch.testing.assert_close(
        sampled(planes, grid), functional.grid_sample(planes, grid, align_corners=False)
    )

    def squares(given: Tensor) -> Tensor:
        return sampled(given, grid).square()

    assert torch.autograd.gradcheck(squares, planes)
    assert torch.autograd.gradgradcheck(squares, planes)


def test_the_whole_change_has_gradients_of_gradients() -> None:
    volumes = smooth(2, (2, 6, 6)).requires_grad_()
    draws = new_draws(2).double()

    def changed(given: Tensor) -> Tensor:
        return augmented(given, draws, ALWAYS, AugmentConfig())

    assert torch.autograd.gradgradcheck(changed, volumes)


def test_the_probability_follows_the_signs_between_its_limits() -> None:
    augment = Augment(AugmentConfig(adapt_to=0.6, images=100.0, probability=0.1))
    augment.adapt(torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert float(augment.probability) == pytest.approx(0.04)
    augment.adapt(torch.tensor([1.0, -1.0, 1.0, 1.0]))
    assert float(augment.probability) == 0.0
    for _ in range(5):
        augment.adapt(torch.ones(4))
    assert float(augment.probability) == pytest.approx(0.1)
    assert "probability" not in Augment(AugmentConfig()).state_dict()


def test_numbers_of_few_digits_are_moved_with_many() -> None:
    volumes, draws = smooth().float(), new_draws(3)
    exact = augmented(volumes, draws, ALWAYS, AugmentConfig())
    rough = augmented(volumes.bfloat16(), draws, ALWAYS, AugmentConfig())
    assert rough.dtype == torch.bfloat16
    assert float((rough.float() - exact).abs().max()) < 0.02
