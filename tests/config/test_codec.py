"""Configurations to JSON and back: nothing is lost, and nothing wrong is let through."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest

from hagan.config.adam import AdamConfig
from hagan.config.codec import TYPE_KEY, from_json, from_plain, to_json, to_plain
from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe, recipe_names
from hagan.config.training import RunConfig
from hagan.errors import BadInputError, UsageError


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_comes_back_as_it_was(name: str) -> None:
    config = replace(recipe(name), fold="1/5")
    assert from_json(RunConfig, to_json(config), where="a") == config


def test_odd_numbers_come_back_exactly() -> None:
    draw = random.Random()
    rate = draw.uniform(1e-7, 1e-2)
    config = HAGANConfig(adam_generator=AdamConfig(learning_rate=rate), gamma_per_voxel=rate / 3)
    assert from_json(HAGANConfig, to_json(config), where="a") == config


def broken(path: str, value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(recipe("hagan-32"))
    *sections, key = path.split(".")
    target = plain
    for section in sections:
        target = target[section]
    if value is KeyError:
        del target[key]
    else:
        target[key] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("model.width", "64", r"RunConfig.model.width: expected int, found '64'"),
        ("model.width", True, "expected int, found True"),
        ("model.width", 64.0, "expected int"),
        ("model.low_branch", 1, "expected bool"),
        ("model.high_norm", "layer", r"one of \['group', 'rms', 'channel', 'none', 'batch'\]"),
        ("model.volume_shape", [32, 32], "3 entries"),
        ("model.volume_shape", 32, "a list"),
        ("model.adam_generator", 1e-4, "AdamConfig"),
        ("model.adam_generator.learning_rate", True, "expected float, found True"),
        ("model.type", "LAPGANConfig", "HAGANConfig or WGANConfig"),
        ("training.steps", None, "expected int"),
        ("training.wdith", 3, r"unknown \['wdith'\]"),
        ("training.steps", KeyError, r"missing \['steps'\]"),
        ("fold", 3, "expected str"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(path: str, value: Any, says: str) -> None:
    with pytest.raises(BadInputError, match=says) as caught:
        from_plain(RunConfig, broken(path, value), where="runs/a/config.json")
    assert str(caught.value).startswith("runs/a/config.json: ")
    assert "\n" not in str(caught.value)


def test_a_value_out_of_range_is_named_with_its_file() -> None:
    with pytest.raises(UsageError, match=r"a\.json: .*beta1"):
        from_plain(RunConfig, broken("model.adam_encoder.beta1", 1.5), where="a.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"hagan-64"', "NaN"])
def test_text_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match=r"a\.json"):
        from_json(RunConfig, text, where="a.json")


@dataclass(frozen=True)
class Ball:
    radius: float


@dataclass(frozen=True)
class Box:
    radius: float


@dataclass(frozen=True)
class Shape:
    kind: Ball | Box
    where: tuple[float, ...] = ()
    colour: Literal["red"] | None = None


@pytest.mark.parametrize("kind", [Ball(1.0), Box(2.5)])
def test_a_union_comes_back_as_the_member_that_it_was(kind: Ball | Box) -> None:
    shape = Shape(kind=kind, where=(1.0, 2.0), colour="red")
    again = from_plain(Shape, json.loads(to_json(shape)), where="a")
    assert again == shape
    assert type(again.kind) is type(kind)


def test_a_wrong_value_in_a_unions_member_is_named_as_that_members() -> None:
    with pytest.raises(BadInputError, match=r"Shape\.kind\.radius: expected float, found 'wide'"):
        from_plain(Shape, {"kind": {"type": "Ball", "radius": "wide"}} | EMPTY, where="a")


EMPTY: dict[str, Any] = {"where": [], "colour": None}


def test_types_are_named_in_the_file() -> None:
    assert to_plain(Shape(kind=Box(1.0)))["kind"] == {TYPE_KEY: "Box", "radius": 1.0}


def test_a_file_from_before_a_setting_was_added_takes_what_the_code_did_then() -> None:
    plain = to_plain(recipe("hagan-tiny-32"))
    assert plain["training"].pop("accumulate") == 1
    found = from_plain(RunConfig, plain, where="old.json")
    assert found == recipe("hagan-tiny-32")
