"""HA-GAN's configuration: sizes that follow from the shape, and what is refused with one line."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from hagan.config.baselines.wgan import WGANConfig
from hagan.config.codec import from_plain, to_plain
from hagan.config.grid import LARGEST_BASE, SMALLEST_BASE
from hagan.config.ha_gan import HAGANConfig
from hagan.config.models import conditions_of
from hagan.errors import UsageError


def test_defaults_are_the_papers() -> None:
    """Section III-E."""
    config = HAGANConfig()
    assert config.volume_shape == (256, 256, 256)
    assert config.low_shape == (64, 64, 64)
    assert config.slab_shape == (32, 256, 256)
    assert (config.latent_dim, config.width) == (1024, 64)
    assert (config.slab_weight, config.image_weight) == (5.0, 5.0)
    rates = [
        adam.learning_rate
        for adam in (config.adam_generator, config.adam_encoder, config.adam_discriminator)
    ]
    assert rates == [1e-4, 1e-4, 4e-4]
    for adam in (config.adam_generator, config.adam_encoder, config.adam_discriminator):
        assert (adam.beta1, adam.beta2) == (0.0, 0.999)
    # What only measurement suggests is off.
    assert (config.reconstruction_weight_generator, config.prior_weight) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("shape", "slabs", "doublings", "base"),
    [
        ((32, 32, 32), 8, 1, (4, 4, 4)),
        ((64, 64, 64), 8, 2, (4, 4, 4)),
        ((128, 128, 128), 8, 3, (4, 4, 4)),
        ((256, 256, 256), 8, 4, (4, 4, 4)),
        ((80, 96, 112), 5, 2, (5, 6, 7)),
        ((40, 48, 56), 5, 1, (5, 6, 7)),
        ((512, 512, 512), 8, 5, (4, 4, 4)),
    ],
)
def test_sizes_follow_from_the_shape(
    shape: tuple[int, int, int], slabs: int, doublings: int, base: tuple[int, int, int]
) -> None:
    config = HAGANConfig(volume_shape=shape, num_slabs=slabs)
    assert config.num_doublings == doublings
    assert config.base_shape == base
    assert config.low_voxels * 64 == math.prod(shape)
    assert config.slab_voxels * slabs == math.prod(shape)


def test_every_base_times_a_power_of_two_fits_and_gives_itself_back() -> None:
    draw = random.Random()
    for _ in range(50):
        doublings = draw.randint(1, 5)
        base = [draw.randint(SMALLEST_BASE, LARGEST_BASE) for _ in range(3)]
        shape = tuple(size * 4 * 2**doublings for size in base)
        config = HAGANConfig(volume_shape=shape, num_slabs=1)
        again = tuple(size * 4 * 2**config.num_doublings for size in config.base_shape)
        assert again == shape
        assert all(SMALLEST_BASE <= size <= LARGEST_BASE for size in config.base_shape)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (100, 100, 100)}, "choose another side"),
        ({"volume_shape": (64, 64, 512)}, "choose another side"),
        ({"volume_shape": (16, 16, 16)}, "choose another side"),
        ({"volume_shape": (80, 96, 112)}, r"one of \[1, 2, 4, 5, 10\]"),
        ({"num_slabs": 0}, "num_slabs"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"width": 6}, "multiple of 4"),
        ({"num_classes": 1}, "at least 2"),
        ({"num_classes": -1}, "at least 2"),
        ({"encoder": False, "reconstruction_weight_generator": 1.0}, "without an encoder"),
        ({"body_weight": 0.0}, "body_weight"),
        ({"image_weight": -1.0}, "image_weight"),
        ({"gamma_per_voxel": math.nan}, "gamma_per_voxel"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        HAGANConfig(**changes)
    assert "\n" not in str(caught.value)


def test_a_label_has_the_class_and_then_the_numbers() -> None:
    asked = HAGANConfig(num_classes=3, conditions=("age", "sex"), conditioning="projection")
    assert (HAGANConfig().label_dim, HAGANConfig(num_classes=3).label_dim) == (0, 3)
    assert asked.label_dim == 5
    assert conditions_of(asked) == ("age", "sex")
    assert conditions_of(WGANConfig()) == ()


def test_numbers_need_projection_and_names_of_their_own() -> None:
    with pytest.raises(UsageError, match=r"set model\.conditioning to projection"):
        HAGANConfig(conditions=("age",))
    for names in (("age", "age"), ("",)):
        with pytest.raises(UsageError, match="each given once"):
            HAGANConfig(conditions=names, conditioning="projection")


def test_files_from_before_conditions_are_read() -> None:
    plain = to_plain(HAGANConfig(num_classes=2))
    del plain["conditions"], plain["conditioning"]
    older = from_plain(HAGANConfig, plain, where="old")
    assert (older.conditions, older.conditioning) == ((), "auxiliary")
    asked = HAGANConfig(conditions=("age",), conditioning="projection")
    assert from_plain(HAGANConfig, to_plain(asked), where="new") == asked
