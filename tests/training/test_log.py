"""Metrics: means between lines, cut back when steps are trained again, a torn line left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hagan.training.log import MetricsLog, open_tensorboard, peak_memory_mib, read_metrics


def test_lines_are_means_since_the_last(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl", every=2, resumed_step=0)
    written = [log.add(step, {"d/real": float(step)}) for step in (1, 2, 3, 4)]
    assert [line is None for line in written] == [True, False, True, False]
    assert [line["d/real"] for line in read_metrics(log.path)] == [1.5, 3.5]


def test_means_are_over_the_turns_that_were_taken(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl", every=4, resumed_step=0)
    for step in range(1, 13):
        rare = {"encoder/x": float(step)} if step in (1, 4, 7) else {}
        log.add(step, {"d/real": 1.0, **rare})
    lines = read_metrics(log.path)
    assert [line.get("encoder/x") for line in lines] == [2.5, 7.0, None]
    assert [line["d/real"] for line in lines] == [1.0] * 3


def test_resuming_cuts_what_will_be_trained_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, every=1, resumed_step=0)
    for step in range(1, 6):
        log.add(step, {"x": 0.0})
    with path.open("a") as file:
        file.write('{"step": 6, "x"')
    again = MetricsLog(path, every=1, resumed_step=3)
    again.add(4, {"x": 1.0})
    assert [(line["step"], line["x"]) for line in read_metrics(path)] == [
        (1, 0.0),
        (2, 0.0),
        (3, 0.0),
        (4, 1.0),
    ]


def test_peak_memory_counts_what_was_held() -> None:
    before = peak_memory_mib()
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert peak_memory_mib() >= before
    assert peak_memory_mib() > 64


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = open_tensorboard(tmp_path)
    assert writer is not None
    writer.add({"step": 7, "d/real": 0.25})
    writer.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (event,) = events.Scalars("d/real")
    assert (event.step, event.value) == (7, 0.25)
