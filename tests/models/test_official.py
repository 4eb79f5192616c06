"""The official recipe against numbers that the released code gave, and released checkpoints."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN, RealBatch
from hagan.models.official import (
    NETWORKS,
    official_names,
    translate,
)

FIXTURE = (
    Path(os.environ.get("HAGAN_SHARED", Path(__file__).parents[2].parent / "shared"))
    / "fixtures"
    / "official.json"
)
pytestmark = []
needs_fixture = pytest.mark.skipif(
    not FIXTURE.exists(), reason=f"the released code's numbers are not at {FIXTURE}"
)


def formula(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Weights by the fixture's formula."""
    v = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    module, part = name.rsplit(".", 1)
    if part == "u0":
        return v / np.linalg.norm(v)
    if part == "sv0":
        return np.ones(shape)
    if len(shape) > 1:
        return v / np.sqrt(np.prod(shape[1:]))
    if module.split(".")[-1].startswith("bn") and part == "weight":
        return 1 + 0.1 * v
    return 0.1 * v


def released_states(config: HAGANConfig) -> dict[str, dict[str, Tensor]]:
    """Made-up released state dicts of all four networks, float64."""
    with torch.device("meta"):
        shapes = HAGAN(config)
    states = {}
    for network in NETWORKS:
        ours = shapes.get_submodule(network).state_dict()
        states[network] = {
            theirs: torch.from_numpy(formula(theirs, tuple(ours[name].shape)))
            for name, theirs in official_names(config, network).items()
        }
    return states


def official_model(side: int, num_classes: int = 0) -> HAGAN:
    config = replace(recipe(f"hagan-official-{side}").model, num_classes=num_classes)
    model = HAGAN(config).double()
    for network, state in released_states(config).items():
        model.get_submodule(network).load_state_dict(translate(config, network, state, "formula"))
    return model


def latents(seed: int) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal((2, 1024)))


def waves(side: int) -> Tensor:
    d, h, w = np.meshgrid(*[np.arange(side) / side] * 3, indexing="ij")
    volumes = []
    for b in (0, 1):
        terms = [
            np.sin(2 * np.pi * ((p + b) * d + (q + b) * h + (s + b) * w) + 0.3 * b)
            for p, q, s in ((1, 2, 3), (3, 1, 2), (5, 4, 1))
        ]
        volumes.append(np.mean(terms, axis=0))
    return torch.from_numpy(np.stack(volumes)[:, None])


def check(tensor: Tensor, probe: dict[str, Any], tolerance: float) -> None:
    flat = tensor.detach().double().flatten()
    assert list(tensor.shape) == probe["shape"]
    assert abs(float(flat.mean()) - probe["mean"]) < tolerance
    assert abs(float(flat.std(correction=0)) - probe["std"]) < tolerance
    expected = torch.tensor(probe["values"], dtype=torch.float64)
    assert float((flat[torch.tensor(probe["at"])] - expected).abs().max()) < tolerance


def check_networks(model: HAGAN, side: int, tolerance: float) -> None:
    numbers = json.loads(FIXTURE.read_text())[str(side)]
    dtype = next(model.parameters()).dtype
    x = waves(side).to(dtype)
    z = latents(1).to(dtype)
    model.eval()
    with torch.no_grad():
        check(model.generate(z[:1]), numbers["generate_full"], tolerance)
        low = model.shrink(x)
        for r in (40, 37):
            pair = model.pair_of(z, None, r)
            check(pair.slab, numbers[f"train_slab_r{r}"], tolerance)
            check(pair.low, numbers[f"train_low_r{r}"], tolerance)
            verdicts = model.judge(model.selector.high(x, r), low, r)
            logit = torch.stack([v.logit for v in verdicts]).mean(dim=0).double()
            expected = torch.tensor(numbers[f"logit_eval_r{r}"], dtype=torch.float64)
            assert float((logit - expected).abs().max()) < tolerance
        features = model.encoder.high(model.selector.high(x, 40))
        check(features, numbers["high_encoder_r40"], tolerance)
        check(model.generator.high(features), numbers["rebuilt_from_features_r40"], tolerance)
        check(model.encode_features(x), numbers["features_all"], tolerance)
        check(model.encode(x), numbers["encoded"], tolerance)


@needs_fixture
@pytest.mark.slow
def test_networks_equal_released_code_at_128() -> None:
    check_networks(official_model(128), 128, 1e-9)


@needs_fixture
@pytest.mark.long
@pytest.mark.slow
def test_networks_equal_released_code_at_256() -> None:
    check_networks(official_model(256).float(), 256, 1e-4)


@needs_fixture
@pytest.mark.long
@pytest.mark.slow
def test_three_training_steps_equal_released_code(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = json.loads(FIXTURE.read_text())["128"]
    model = official_model(128).train()
    phases = model.phases()
    assert [p.name for p in phases] == [
        "discriminator",
        "generator",
        "high_encoder",
        "ground_encoder",
    ]
    adams = [
        torch.optim.Adam(
            p.trains.parameters(),
            lr=p.adam.learning_rate,
            betas=(p.adam.beta1, p.adam.beta2),
            eps=p.adam.epsilon,
        )
        for p in phases
    ]
    x = waves(128)
    drawn: Iterator[Tensor]
    monkeypatch.setattr(model, "draw_latents", lambda count: next(drawn))
    for step, expected in enumerate(numbers["three_iterations"]):
        r = expected["r"]
        drawn = iter((latents(100 + step), latents(200 + step)))
        batch = RealBatch(x, model.selector.high(x, r), model.shrink(x), r, None)
        for phase, adam, key in zip(phases, adams, ("d", "g", "e", "se"), strict=True):
            model.requires_grad_(False)
            phase.trains.requires_grad_(True)
            loss = torch.stack(list(phase.loss(batch).values())).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
            assert abs(loss.item() - expected[key]) < 1e-8, (step, key)
    roots = dict(zip(("G", "D", "E", "Sub_E"), NETWORKS, strict=True))
    for name, probe in numbers["after_three"].items():
        root, theirs = name.split(".", 1)
        ours = {b: a for a, b in official_names(model.config, roots[root]).items()}[theirs]
        state = model.get_submodule(roots[root]).state_dict()
        check(state[ours], probe, 1e-8)


@needs_fixture
@pytest.mark.slow
def test_conditional_equals_released_code() -> None:
    numbers = json.loads(FIXTURE.read_text())["128"]
    model = official_model(128, num_classes=5).eval()
    labels = torch.nn.functional.one_hot(torch.tensor([1, 4]), 5).double()
    with torch.no_grad():
        pair = model.pair_of(latents(1), labels, 40)
        x = waves(128)
        verdicts = model.judge(model.selector.high(x, 40), model.shrink(x), 40)
    check(pair.slab, numbers["conditional_slab_r40"], 1e-9)
    check(pair.low, numbers["conditional_low_r40"], 1e-9)
    logit = torch.stack([v.logit for v in verdicts]).mean(dim=0)
    classes = torch.stack([v.class_logits for v in verdicts]).mean(dim=0)
    for got, key in ((logit, "logit"), (classes, "class")):
        expected = torch.tensor(numbers[f"conditional_{key}_eval_r40"], dtype=torch.float64)
        assert float((got - expected).abs().max()) < 1e-9
