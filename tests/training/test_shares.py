"""Shares: the cut leaves nothing out, and draws are the whole batch's rows."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.models.build import build_model
from hagan.models.gan import GAN
from hagan.models.ha_gan import HAGAN
from hagan.training.shares import Share, share_of_turn, turn_seed


@pytest.fixture(scope="module")
def model() -> GAN[Any]:
    return build_model(recipe("hagan-tiny-32").model)


@pytest.mark.parametrize(("total", "parts"), [(1, 1), (4, 2), (5, 3), (7, 4), (3, 9)])
def test_parts_follow_one_another_and_differ_by_one_at_most(total: int, parts: int) -> None:
    cut = Share(10, total, 30).cut(parts)
    assert len(cut) == min(parts, total)
    covered = [place for part in cut for place in range(part.first, part.first + part.count)]
    assert covered == list(range(10, 10 + total))
    assert max(part.count for part in cut) - min(part.count for part in cut) <= 1
    assert sum(part.weight for part in cut) == pytest.approx(total / 30)


def test_seeds_depend_on_each_name() -> None:
    seeds = {turn_seed(*names) for names in ((1,), (1, "a"), (1, "b"), (2, "a"), (1, "a", 0))}
    assert len(seeds) == 5
    assert turn_seed(1, "a") == turn_seed(1, "a")


@pytest.mark.parametrize("factor", [1, 2])
def test_latents_are_the_rows_that_the_whole_batch_draws(model: GAN[Any], factor: int) -> None:
    """Twice in a row, with other draws between that must not matter; 5 volumes of 64 latents."""
    whole, parts = Share(0, 5, 5), Share(0, 5, 5).cut(2)

    def drawn(share: Share, others: int) -> list[Tensor]:
        with share_of_turn(model, share, seed=3):
            first = model.draw_latents(factor * share.count)
            torch.rand(others)
            second = model.draw_latents(factor * share.count)
        return [t.view(factor, share.count, -1) for t in (first, second)]

    expected = drawn(whole, 0)
    cut = [drawn(part, 1 + number) for number, part in enumerate(parts)]
    for call in range(2):
        assert torch.equal(torch.cat([rows[call] for rows in cut], dim=1), expected[call])
    assert not torch.equal(expected[0], expected[1])


def test_other_draws_differ_from_share_to_share(model: GAN[Any]) -> None:
    first, second = Share(0, 2, 2).cut(2)
    drawn = []
    for share in (first, second, second):
        with share_of_turn(model, share, seed=3):
            drawn.append(torch.rand(4))
    assert torch.equal(drawn[1], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])


def test_outside_the_block_the_model_draws_for_itself(model: GAN[Any]) -> None:
    with pytest.raises(KeyError), share_of_turn(model, Share(0, 1, 4), seed=3):
        raise KeyError
    assert model.draw_latents(7).shape == (7, 64)
    assert "draw_latents" not in vars(model)


def test_a_share_leaves_no_trace_on_the_model(model: GAN[Any]) -> None:
    before = dict(vars(model))
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with share_of_turn(model, Share(0, 1, 4), seed=3) as turn:
        assert model.seat is turn
        # Other models of the process go on drawing for themselves.
        other = build_model(recipe("hagan-tiny-32").model)
        assert other.draw_latents(7).shape == (7, 64)
        assert model.state_dict().keys() == state.keys()
    assert vars(model) == before
    assert len(pickle.dumps(model)) == len(pickle.dumps(deepcopy(model)))


def test_a_share_within_a_share_is_our_mistake(model: GAN[Any]) -> None:
    share = Share(0, 1, 4)
    with share_of_turn(model, share, seed=3), pytest.raises(AssertionError):
        share_of_turn(model, share, seed=4).__enter__()
    assert "seat" not in vars(model)


def test_a_model_of_other_latents_has_them_cut_too() -> None:
    """Whoever draws from another distribution says so in `new_latents` alone."""
    config = recipe("hagan-tiny-32").model

    class Uniform(HAGAN):
        def new_latents(self, count: int) -> Tensor:
            return torch.rand(count, self.latent_dim)

    assert isinstance(config, HAGANConfig)
    uniform = Uniform(config)
    with share_of_turn(uniform, Share(0, 4, 4), seed=3):
        expected = uniform.draw_latents(4)
    assert float(expected.min()) >= 0
    with share_of_turn(uniform, Share(1, 2, 4), seed=3):
        assert torch.equal(uniform.draw_latents(2), expected[1:3])


def test_a_term_of_the_whole_batch_has_its_gradient_whatever_the_cut(model: GAN[Any]) -> None:
    """Shares' gradients added up by their weights, as the trainer adds them."""
    torch.manual_seed(0)
    rows = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    expected = rows.var(dim=0).prod().sqrt()
    (gradient,) = torch.autograd.grad(expected, rows)
    added = torch.zeros_like(gradient)
    for share in Share(0, 5, 5).cut(3):
        own = rows[share.first : share.first + share.count]
        with share_of_turn(model, share, seed=0, whole=[rows.detach()]) as turn:
            value = turn.whole_batch(own).var(dim=0).prod().sqrt()
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-14)
        added += torch.autograd.grad(value * share.weight, rows)[0]
    torch.testing.assert_close(added, gradient, rtol=0, atol=1e-14)


def test_rows_that_are_not_known_are_noted(model: GAN[Any]) -> None:
    rows = torch.ones(2, 3)
    with share_of_turn(model, Share(2, 2, 4), seed=0) as turn:
        assert turn.whole_batch(rows) is rows
    assert len(turn.asked) == 1
    with share_of_turn(model, Share(0, 2, 2), seed=0) as turn:
        turn.whole_batch(rows)
    assert turn.asked == []
