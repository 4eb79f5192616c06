"""The speed benchmark: its command runs, its variants are what they say, what is wrong is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "benchmarks" / "speed.py"
TINY = ("--side", "32", "--width", "8", "--repeats", "2", "--sides", "32")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(COMMAND.parent))


def called(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMMAND), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def settings(**values: Any) -> Any:
    from speed_parts.settings import Settings

    return Settings(side=32, width=8, repeats=1, **values)


@pytest.mark.long
@pytest.mark.slow
def test_the_command_measures_every_part_and_writes_what_it_found(tmp_path: Path) -> None:
    parts = ("step", "saved", "inference", "memory", "layers", "slabs")
    done = called(*parts, *TINY, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / "speed.json").read_text())
    rows = written["rows"]
    assert {row["part"] for row in rows} == set(parts)
    assert not any(row["failed"] for row in rows)
    page = (tmp_path / "speed.md").read_text()
    assert all(f"## {part}\n" in page for part in parts)
    assert (tmp_path / "memory.png").stat().st_size > 5000
    assert written["torch"] == torch.__version__
    assert "speed.py step saved" in written["command"]

    def one(part: str, name: str, what: str) -> Any:
        (found,) = [r for r in rows if (r["part"], r["name"], r["what"]) == (part, name, what)]
        return found

    plain, fast = (one("step", name, "step") for name in ("plain", "fast"))
    assert plain["ratio"] == 1
    assert plain["repeats"] == fast["repeats"] == 2
    assert fast["ratio"] == pytest.approx(fast["median"] / plain["median"])
    # A process holds Python, torch and weights before its first volume, and more after it.
    peak, before = (
        one("inference", "plain", what)["value"]
        for what in ("peak memory", "before the first volume")
    )
    assert 0.05 < before < peak < 2
    assert one("slabs", "exact, rms", "largest difference")["value"] < 1e-5
    assert one("slabs", "floor, group", "largest difference")["value"] > 0.01


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("outside",), "--outside PATH"),
        (("step", "--side", "33"), "33"),
        (("nosuch",), "nosuch"),
        (("step", "--repeats", "0"), "at least 1"),
    ],
)
def test_a_wrong_call_is_told_in_a_line(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process: starting torch four times would take seconds.
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("speed_command", COMMAND)
    assert spec is not None
    assert spec.loader is not None
    command = module_from_spec(spec)
    spec.loader.exec_module(command)
    with pytest.raises(SystemExit) as caught:
        command.main(list(arguments))
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_fast_is_the_model_as_it_is_made_and_plain_differs_in_every_lever() -> None:
    from speed_parts.levers import FAST, Levers
    from speed_parts.subject import Subject

    from hagan.models.ha_gan import HAGAN
    from hagan.networks.upsample import UpConv
    from hagan.training.players import make_players

    def state_of(model: HAGAN) -> list[Any]:
        modules = list(model.modules())
        return [
            [getattr(m, "form", None) for m in modules],
            [getattr(m, "plain", None) for m in modules],
            [len(m._forward_pre_hooks) for m in modules],
            sorted(model.generator.high.__dict__),
            [w.stride() for w in model.parameters()],
        ]

    subject = Subject(settings().config(), torch.device("cpu"), torch.float32)
    fresh = HAGAN(settings().config().model).train()
    for levers in (Levers(channels_last=True, norms=True), Levers(), FAST):
        subject.use(levers)
        if levers == Levers():
            assert {m.form for m in subject.model.modules() if isinstance(m, UpConv)} == {"plain"}
            assert all(m.plain for m in subject.model.modules() if hasattr(m, "plain"))
            groups = [group for player in subject.players for group in player.adam.param_groups]
            assert not any(group["fused"] or group["foreach"] for group in groups)
    assert state_of(subject.model) == state_of(fresh)
    for mine, theirs in zip(subject.players, make_players(fresh.phases()), strict=True):
        for key in ("fused", "foreach", "lr", "betas", "eps"):
            assert mine.adam.param_groups[0][key] == theirs.adam.param_groups[0][key], key


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["hagan", "hagan-official"])
def test_every_variant_is_equal_to_plain(recipe: str) -> None:
    from speed_parts.equality import differences
    from speed_parts.levers import ladder

    config = settings(recipe=recipe).config()
    variants = ladder(torch.device("cpu"), config.model)
    found = differences(config, variants, torch.device("cpu"))
    assert list(found) == list(variants)
    assert all(isinstance(value, float) and value < 1e-10 for value in found.values()), found


@pytest.mark.slow
def test_a_variant_that_computes_something_else_is_found_and_not_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from speed_parts import step

    from hagan.networks import upsample

    def wrong(weight: torch.Tensor) -> torch.Tensor:
        # Not a factor, which normalisation would undo.
        return right(weight) + 1e-8 * torch.arange(4).to(weight)

    right = upsample.doubled_kernel
    monkeypatch.setattr(upsample, "doubled_kernel", wrong)
    section = step.measure(settings(warm_up=0))
    assert section.failed
    failed = {row.name for row in section.rows if row.failed}
    assert "+ forms" in failed
    assert "fast" in failed
    assert {row.name for row in section.rows if row.unit == "s"} == {"plain"}
    assert "FAILED, not timed" in section.tables[1].markdown()


@pytest.mark.slow
def test_adam_that_moves_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from speed_parts.equality import differences
    from speed_parts.levers import Levers, Switches

    pulled = Switches._set_adam

    def wrong(switches: Switches, fused: bool) -> None:
        pulled(switches, fused)
        for player in switches.players:
            for group in player.adam.param_groups:
                group["eps"] = 2e-8 if fused else 1e-8

    monkeypatch.setattr(Switches, "_set_adam", wrong)
    config = settings().config()
    found = differences(config, {"adam": Levers(adam=True)}, torch.device("cpu"))
    assert float(found["adam"]) > 1e-10


@pytest.mark.slow
def test_saved_bytes_fall_and_a_guard_that_is_broken_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from speed_parts import saved

    section = saved.measure(settings(sides=(64,)))
    by_name = {row.name: row for row in section.rows if row.what == saved.LARGEST}
    fast, plain = by_name["fast"].value, by_name["plain"].value
    assert fast is not None
    assert plain is not None
    assert 0.3 < fast / plain < 0.9
    assert not section.failed
    monkeypatch.setattr(saved, "SAVED_AT_MOST", {32: 0.01})
    monkeypatch.setattr(saved, "GUARDED", "hagan-tiny")
    from speed_parts.settings import Settings

    assert saved.measure(Settings(recipe="hagan-tiny", sides=(32,))).failed


def test_variants_take_turns_and_warm_up_is_dropped() -> None:
    from speed_parts.report import summary
    from speed_parts.timing import interleaved

    order: list[str] = []

    def run(name: str, turn: int) -> dict[str, float]:
        order.append(name)
        return {"all": float(turn)}

    samples, first = interleaved("ab", run, repeats=5, warm_up=1)
    assert "".join(order) == "ab" * 6
    assert samples["b"]["all"] == [1, 2, 3, 4, 5]
    assert first == {"a": 0, "b": 0}
    assert summary(samples["a"]["all"]) == {"value": 3, "median": 3, "iqr": 2, "repeats": 5}


@pytest.mark.slow
def test_a_process_has_a_peak_of_its_own() -> None:
    from speed_parts.processes import in_own_process

    ballast = torch.zeros(2**28)  # 1 GiB, resident
    answer = in_own_process("inference", settings(), {"name": "fast", "side": 32})
    assert answer is not None
    assert answer["peak memory"] < ballast.numel() * 4


STAND_IN = """
import torch
from torch import nn

class Generator(nn.Module):
    def __init__(self, mode="train", latent_dim=1024):
        super().__init__()
        self.fc, self.up = nn.Linear(latent_dim, 8), nn.Linear(1, 1)

    def forward(self, h, crop_idx=None, class_label=None):
        if crop_idx is None:
            return self.up(h.mean(dim=(1, 2, 3, 4))[:, None])[..., None, None, None].expand(-1, 1, 16, 128, 128)
        code = self.fc(h).mean(dim=1).view(-1, 1, 1, 1, 1)
        return code.expand(-1, 1, 16, 128, 128), code.expand(-1, 1, 32, 32, 32)

class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 1)

    def forward(self, h, low, crop_idx):
        place = (crop_idx / 112.0 * torch.ones(len(h), 1)).cuda()
        means = [x.mean(dim=(1, 2, 3, 4))[:, None] for x in (h, low)]
        return self.fc(torch.cat([*means, place], 1))

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 4, 4)

    def forward(self, h):
        assert h.shape[2:] == (16, 128, 128)
        return self.conv(h)

class Sub_Encoder(nn.Module):
    def __init__(self, latent_dim=1024):
        super().__init__()
        self.fc = nn.Linear(2, latent_dim)

    def forward(self, h):
        assert h.shape[1:] == (2, 32, 32, 32)
        return self.fc(h.mean(dim=(2, 3, 4)))
"""  # noqa: E501
"""Small networks that are called like the released ones."""


@pytest.mark.slow
def test_a_checkout_is_timed_phase_by_phase(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "Model_HA_GAN_128.py").write_text(STAND_IN)
    from speed_parts.outside import measure
    from speed_parts.settings import Settings

    section = measure(Settings(side=128, repeats=2, outside=str(tmp_path)))
    assert not section.failed, section.tables[0].markdown()
    figures = {row.what: row.value for row in section.rows}
    assert set(figures) == {"step", "D", "G", "E", "Sub_E", "process peak"}
    assert all(value is not None and value > 0 for value in figures.values())
    (models / "Model_HA_GAN_128.py").unlink()
    assert measure(Settings(side=128, repeats=1, outside=str(tmp_path))).failed
