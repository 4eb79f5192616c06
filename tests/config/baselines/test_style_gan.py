"""StyleGAN 2's configuration: what cannot be is refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.codec import from_json, to_json
from hagan.errors import UsageError


@pytest.mark.parametrize("shape", [(32, 32, 32), (80, 96, 112), (20, 24, 28), (64, 64, 32)])
def test_all_grids_with_a_common_power_of_two_are_taken(shape: tuple[int, int, int]) -> None:
    assert StyleGANConfig(volume_shape=shape).volume_shape == shape


def test_the_filter_comes_back_from_json() -> None:
    config = StyleGANConfig(filter_taps=(1, 3, 3, 3, 1))
    back = from_json(StyleGANConfig, to_json(config), where="here")
    assert back == config
    assert back.filter_taps == (1, 3, 3, 3, 1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (33, 32, 32)}, "choose another side"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 0}, "width"),
        ({"mapping_layers": 0}, "mapping_layers"),
        ({"mapping_rate": 0.0}, "mapping_rate"),
        ({"mapping_rate": float("nan")}, "mapping_rate"),
        ({"filter_taps": (1,)}, "filter_taps"),
        ({"filter_taps": (1, -1)}, "filter_taps"),
        ({"mixing_probability": 1.1}, "mixing_probability"),
        ({"style_decay": -0.1}, "style_decay"),
        ({"path_decay": float("nan")}, "path_decay"),
        ({"deviation_group": 1}, "deviation_group"),
        ({"r1_gamma": float("nan")}, "r1_gamma"),
        ({"path_weight": -1.0}, "path_weight"),
        ({"r1_every": 0}, "r1_every"),
        ({"path_every": 0}, "path_every"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        StyleGANConfig(**changes)
