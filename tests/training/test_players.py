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


class Memory(nn.Module):
    """Keeps the sum of what it saw, and has no weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(()))


def test_a_player_without_weights_has_no_adam_and_nothing_to_save_or_move() -> None:
    memory = Memory()
    phase: Phase[None] = Phase(
        name="memory", trains=memory, loss=lambda _: {"none": torch.zeros(())}, adam=AdamConfig()
    )
    weighted = player(nn.Linear(3, 2)).phase
    one, other = make_players([phase, weighted])
    assert one.adam is None
    assert other.adam is not None, "each player for itself"
    one.set_rate(0.5)
    one.move()
    one.forget()
    assert one.state() == {}
    one.load_state({})
    assert float(memory.total) == 0.0
