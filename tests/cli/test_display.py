"""What a training run prints: a bar on a terminal, a plain line now and then otherwise."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hagan.cli import display as display_module
from hagan.cli.display import TrainingDisplay, summary
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.training.trainer import Progress

TINY = recipe("hagan-tiny-32").training


def shown(*, terminal: bool, steps: int = 10) -> tuple[TrainingDisplay, StringIO]:
    out = StringIO()
    console = Console(file=out, force_terminal=terminal, width=160, highlight=False)
    return TrainingDisplay(RunDir(Path("runs/a")), steps, console), out


def progress(step: int, *, line: bool = True) -> Progress:
    values = {
        "step": step,
        "discriminator/pair": 0.5,
        "generator/fake": 1.25,
        "steps_per_second": 2.5,
        "peak_memory_mib": 700.0,
    }
    return Progress(step=step, steps=10, seconds=0.1, line=values if line else None)


class Scans:
    """As much of a data set as the display asks for."""

    def __len__(self) -> int:
        return 7


def begin(display: TrainingDisplay, step: int = 0) -> None:
    display.begin(recipe("hagan-tiny-32"), Scans(), "cpu", step)  # type: ignore[arg-type]


def test_summary_adds_a_phases_terms_and_leaves_the_rest_out() -> None:
    line = {
        "step": 10,
        "discriminator/pair": 1.0,
        "discriminator/r1": 0.25,
        "discriminator/gradient": 99.0,
        "generator/fake": 0.5,
        "steps_per_second": 3.0,
        "peak_memory_mib": 512.4,
    }
    assert summary(line) == "discriminator 1.250  generator 0.500  peak 512 MiB"


def test_summary_needs_no_memory_figure() -> None:
    assert summary({"step": 1, "generator/fake": 2.0}) == "generator 2.000"


def test_begin_says_what_on_what_and_from_where() -> None:
    display, out = shown(terminal=False)
    begin(display)
    expected = f"32 x 32 x 32, 7 scans, batch {TINY.batch_size}, {TINY.steps} steps on cpu"
    assert out.getvalue() == f"hagan-tiny-32: {expected}\n"
    display, out = shown(terminal=False)
    begin(display, step=40)
    assert "going on from step 40" in out.getvalue()


def test_a_plain_line_comes_only_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(display_module.time, "perf_counter", lambda: clock[0])
    display, out = shown(terminal=False)
    with display:
        begin(display)
        before = out.getvalue()
        display.update(progress(1))
        assert out.getvalue() == before
        clock[0] += display_module.PLAIN_SECONDS
        display.update(progress(2, line=False))
        assert out.getvalue() == before
        display.update(progress(4))
    (line,) = out.getvalue()[len(before) :].splitlines()
    assert line.startswith("step 4/10  0.20 steps/s  0.5 min left  discriminator 0.500")


def test_the_rate_counts_only_this_sitting(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(display_module.time, "perf_counter", lambda: clock[0])
    display, out = shown(terminal=False)
    begin(display, step=6)
    clock[0] += 40.0
    display.update(progress(8))
    assert "step 8/10  0.05 steps/s  0.7 min left" in out.getvalue()


def test_on_a_terminal_a_bar_moves_and_no_line_is_added() -> None:
    display, out = shown(terminal=True)
    with display:
        begin(display, step=2)
        display.update(progress(5))
        (task,) = display.bar.tasks
        assert task.completed == 5
        display.update(progress(6, line=False))
        assert task.completed == 6
        assert "2.50 steps/s  discriminator 0.500  generator 1.250" in task.fields["losses"]
    assert "min left" not in out.getvalue()


def test_the_bar_stops_when_training_fails() -> None:
    display, _ = shown(terminal=True)
    with pytest.raises(RuntimeError), display:
        raise RuntimeError
    assert not display.bar.live.is_started


def test_end_names_the_weights_and_the_next_command() -> None:
    display, out = shown(terminal=False)
    display.end(7)
    text = " ".join(out.getvalue().split())
    assert "trained to step 7 in" in text
    assert str(Path("runs/a/weights/model.safetensors")) in text
    assert "next: hagan generate runs/a OUT --count 16" in text
