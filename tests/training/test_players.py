"""Players: the optimiser's state survives a save, the rate follows its share."""

from __future__ import annotations

import torch
from torch import nn

from hagan.config.adam import AdamConfig
from hagan.models.gan import Phase
from hagan.training.players import Player, make_players


def player(module: nn.Linear) -> Player:
    phase: Phase[None] = Phase(
        name="p",
        trains=module,
        loss=lambda _: {"square": module(torch.ones(1, 3)).square().sum()},
        adam=AdamConfig(learning_rate=0.1, beta1=0.5),
    )
    return make_players([phase])[0]


def turn(of: Player) -> None:
    next(iter(of.phase.loss(None).values())).backward()
    of.adam.step()
    of.adam.zero_grad()


def test_state_put_back_gives_the_same_next_step() -> None:
    torch.manual_seed(0)
    first = nn.Linear(3, 2)
    one = player(first)
    turn(one)
    second = nn.Linear(3, 2)
    second.load_state_dict(first.state_dict())
    two = player(second)
    two.load_state({name: tensor.clone() for name, tensor in one.state().items()})
    turn(one)
    turn(two)
    assert torch.equal(first.weight, second.weight)


def test_rate_is_a_share_of_the_configured_one() -> None:
    one = player(nn.Linear(3, 2))
    one.set_rate(0.25)
    assert one.adam.param_groups[0]["lr"] == 0.025
    assert one.adam.param_groups[0]["betas"] == (0.5, 0.999)
