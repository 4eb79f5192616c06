"""Progressive GAN's configuration: its schedule, and what cannot be is refused with one line."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from hagan.config.baselines.progressive_gan import ProgressiveGANConfig, Stage
from hagan.config.codec import from_json, to_json
from hagan.errors import UsageError


def made(**changes: Any) -> ProgressiveGANConfig:
    return ProgressiveGANConfig(**{"volume_shape": (16, 16, 16), **changes})


def test_levels_stay_then_fade_in_one_after_another() -> None:
    config = made(fade_steps=(1, 3), stable_steps=(2, 1, 9))
    stages = [config.stage_at(step) for step in range(9)]
    assert stages == [
        *(Stage(0), Stage(0)),
        *(Stage(1, 1 / 2), Stage(1)),
        *(Stage(2, 1 / 4), Stage(2, 2 / 4), Stage(2, 3 / 4), Stage(2), Stage(2)),
    ]
    assert config.stage_at(10**9) == Stage(2)


def test_the_ports_first_level_fades_in_from_the_base_grid() -> None:
    config = made(first_level=1, fade_steps=(2,), stable_steps=(1,))
    stages = [config.stage_at(step) for step in range(7)]
    assert [stage.level for stage in stages] == [1, 1, 1, 2, 2, 2, 2]
    assert [stage.fade for stage in stages] == [1 / 3, 2 / 3, 1, 1 / 3, 2 / 3, 1, 1]


def test_no_fade_and_no_stay_are_schedules_too() -> None:
    assert made(fade_steps=(0,), stable_steps=(0,)).stage_at(0) == Stage(2)
    config = made(fade_steps=(0,), stable_steps=(2,))
    assert [config.stage_at(step) for step in range(5)] == [
        *(Stage(0), Stage(0), Stage(1), Stage(1), Stage(2)),
    ]


@pytest.mark.parametrize("shape", [(16, 16, 16), (32, 32, 32), (40, 48, 56), (80, 96, 112)])
@pytest.mark.parametrize("first_level", [0, 1])
def test_the_last_entries_serve_all_further_levels_and_spare_ones_none(
    shape: tuple[int, int, int], first_level: int
) -> None:
    short = made(volume_shape=shape, first_level=first_level, fade_steps=(3, 2), stable_steps=(4,))
    long = made(
        volume_shape=shape,
        first_level=first_level,
        fade_steps=(3, 2, 2, 2, 2, 2, 2),
        stable_steps=(4, 4, 4, 4, 4, 4, 4),
    )
    stages = [short.stage_at(step) for step in range(60)]
    assert stages == [long.stage_at(step) for step in range(60)]
    assert stages[-1] == Stage(short.last_level)
    places = [stage.level + stage.fade for stage in stages]
    assert all(before <= after for before, after in pairwise(places)), "it never goes back"
    assert all(0 < stage.fade <= 1 for stage in stages)


@pytest.mark.parametrize("first_level", [0, 1, 2])
def test_a_levels_start_is_where_it_is_first_trained(first_level: int) -> None:
    config = made(first_level=first_level, fade_steps=(3, 1), stable_steps=(4, 2))
    levels = [config.stage_at(step).level for step in range(30)]
    for level in range(first_level, 3):
        assert config.starts_at(level) == levels.index(level)


def test_the_schedule_comes_back_from_json_as_it_was() -> None:
    config = made(fade_steps=(3, 1), stable_steps=(4, 2))
    back = from_json(ProgressiveGANConfig, to_json(config), where="here")
    assert back == config
    assert back.stage_at(5) == config.stage_at(5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 0}, "width"),
        ({"channels_times_side": 0}, "channels_times_side"),
        ({"critic_widening": 0}, "critic_widening"),
        ({"first_level": 3}, "first_level must be from 0 to 2"),
        ({"first_level": -1}, "first_level"),
        ({"fade_steps": ()}, "fade_steps"),
        ({"fade_steps": (3, -1)}, "fade_steps"),
        ({"stable_steps": ()}, "stable_steps"),
        ({"stable_steps": (-1,)}, "stable_steps"),
        ({"deviation_group": 1}, "deviation_group"),
        ({"deviation_group": -2}, "deviation_group"),
        ({"penalty_weight": float("nan")}, "penalty_weight"),
        ({"drift_weight": -0.1}, "drift_weight"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        made(**changes)
