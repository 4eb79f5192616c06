"""Looking at the training volumes before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN
from hagan.models.looking import LOOKED_AT

SIDE = 32


def small(**changes: Any) -> HAGAN:
    torch.manual_seed(0)
    config = recipe("hagan-tiny-32").with_model(template=True, width=4, **changes).model
    model = HAGAN(config)
    assert isinstance(model, HAGAN)
    return model


def volumes(count: int, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(count, 1, SIDE, SIDE, SIDE) * 1.9 - 0.95


def grids(model: HAGAN) -> list[Tensor]:
    branches = [model.generator.high, model.generator.low, model.middle]
    return [b.template.grid.detach().clone() for b in branches if b is not None]  # type: ignore[union-attr]


@pytest.mark.parametrize("warm", [True, False])
def test_templates_begin_with_the_mean_however_it_is_cut(*, warm: bool) -> None:
    changes = {} if warm else {"warm_start": None}
    seen = volumes(7)
    model = small(middle_branch=True, **changes)
    model.look(iter(seen.split(3)))
    mean = seen.double().mean(dim=0, keepdim=True)
    low, middle = (torch.nn.functional.avg_pool3d(mean, step) for step in (4, 2))
    for grid, expected in zip(grids(model), (mean, low, middle), strict=True):
        torch.testing.assert_close(torch.tanh(grid.double()), expected, rtol=0, atol=1e-6)
    assert (model.codes is not None) == warm
    if model.codes is not None:
        assert int(model.codes.seen) == 7


def test_weights_that_came_with_a_template_keep_it() -> None:
    """As those of another run do, with which this one begins."""
    model = small()
    model.look(iter([volumes(3)]))
    before = grids(model)
    model.look(iter([volumes(5, seed=1)]))
    assert all(torch.equal(a, b) for a, b in zip(before, grids(model), strict=True))
    assert model.codes is not None
    assert int(model.codes.seen) == 8


def test_no_more_is_read_than_is_looked_at() -> None:
    read = 0

    def endless() -> Iterator[Tensor]:
        nonlocal read
        while True:
            read += 64
            yield volumes(1).expand(64, -1, -1, -1, -1)

    small(warm_start=None).look(endless())
    assert read == LOOKED_AT


def test_nothing_is_read_where_nothing_is_asked_for() -> None:
    def none() -> Iterator[Tensor]:
        raise AssertionError("read")
        yield

    config = recipe("hagan-tiny-32").with_model(template=False, warm_start=None, width=4).model
    HAGAN(config).look(none())
