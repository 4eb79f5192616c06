"""Guards: what goes wrong is told early, once, with what to change; a sound run hears nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.training.guards import TURNS_TO_TRUST, Guards, mean_distance, read_signs
from hagan.training.trainer import Trainer

CHANCE = {"discriminator/real": 0.7, "discriminator/fake": 0.7}
Make = Callable[..., Guards]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def guards(*, step: int = 0, **more: Any) -> Guards:
        return Guards(tmp_path / "warnings.jsonl", chance=CHANCE, resumed_step=step, **more)

    return guards


def names(guards: Guards) -> list[tuple[int, str]]:
    return [(sign.step, sign.name) for sign in read_signs(guards.path)]


def volumes(count: int = 4, *, apart: float = 1.0, spread: float = 1.0) -> Tensor:
    torch.manual_seed(0)
    common = torch.randn(1, 1, 8, 8, 8)
    own = torch.randn(count, 1, 8, 8, 8)
    return spread * (common + apart * own)


def test_a_sound_run_hears_nothing(make: Make) -> None:
    guards = make()
    for step in range(3 * TURNS_TO_TRUST):
        guards.see_losses(step, {"discriminator/real": 0.05, "discriminator/fake": 0.04})
    guards.see_volumes(500, 0.5, volumes(), volumes(apart=0.5))
    assert not guards.path.exists()
    assert read_signs(guards.path) == []


@pytest.mark.parametrize(
    ("fake", "name", "said"),
    [
        (volumes(spread=0.01), "dead", "1.00% of what they do in scans"),
        (torch.full((4, 1, 8, 8, 8), -1.0), "dead", "lower learning rates"),
        (volumes(apart=0.1), "alike", "warm_start"),
    ],
)
def test_volumes_that_are_empty_or_alike_are_told(
    make: Make, caplog: pytest.LogCaptureFixture, fake: Tensor, name: str, said: str
) -> None:
    guards = make()
    with caplog.at_level(logging.WARNING):
        guards.see_volumes(400, 0.5, volumes(), fake)
        guards.see_volumes(800, 0.6, volumes(), fake)
    assert names(guards) == [(400, name)], "told once"
    assert said in read_signs(guards.path)[0].text
    assert [r.getMessage() for r in caplog.records] == [
        f"step 400: {read_signs(guards.path)[0].text}"
    ]
    guards.see_volumes(900, 0.7, volumes(), volumes())
    guards.see_volumes(950, 0.8, volumes(), fake)
    assert names(guards) == [(400, name), (950, name)], "again where it comes back"


def test_nothing_is_expected_of_the_first_steps_or_of_one_volume(make: Make) -> None:
    guards = make()
    guards.see_volumes(0, 0.0, volumes(), torch.zeros(4, 1, 8, 8, 8))
    guards.see_volumes(500, 0.5, volumes(1), volumes(1))
    assert names(guards) == []
    assert mean_distance(volumes(1)) is None
    # Air alone gives nothing to compare with.
    guards.see_volumes(600, 0.5, torch.zeros(4, 1, 8, 8, 8), volumes())
    assert names(guards) == []


def test_a_discriminator_that_always_wins_is_told(make: Make) -> None:
    guards = make()
    for step in range(TURNS_TO_TRUST - 1):
        guards.see_losses(step, {"discriminator/real": 0.01, "discriminator/fake": 0.02})
    assert names(guards) == [], "a few turns say nothing"
    for step in range(TURNS_TO_TRUST - 1, TURNS_TO_TRUST + 50):
        guards.see_losses(step, {"generator/fake": 5.0})
        guards.see_losses(step, {"discriminator/real": 0.01, "discriminator/fake": 0.02})
    assert names(guards) == [(TURNS_TO_TRUST - 1, "overwhelmed")]
    assert "2.1% of guessing's" in read_signs(guards.path)[0].text


def test_only_one_process_tells(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make(writes=False).see_volumes(400, 0.5, volumes(), volumes(spread=0.0))
    assert not caplog.records
    assert not make(writes=False).path.exists()


def test_what_a_resumed_run_will_do_again_is_forgotten(make: Make) -> None:
    guards = make()
    for step in (100, 300):
        guards.see_volumes(step, 0.5, volumes(), volumes(spread=0.0))
        guards.see_volumes(step + 1, 0.5, volumes(), volumes())
    assert [step for step, _ in names(guards)] == [100, 300]
    assert [step for step, _ in names(make(step=200))] == [100]


@pytest.mark.slow
def test_a_run_whose_generator_dies_says_so(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(steps=4, preview_every=2)
    with torch.no_grad():
        for tensor in trainer.averages["average"].tensors.values():
            if tensor.is_floating_point():
                tensor.zero_()
    trainer.averages["average"].update = lambda *_, **__: None  # type: ignore[method-assign]
    trainer.train()
    lines = trainer.run_dir.warnings.read_text().splitlines()
    assert [(json.loads(line)["step"], json.loads(line)["name"]) for line in lines] == [(2, "dead")]
