"""A contest from a store to its table: quotas, legs, what is stopped, and going on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hagan.cli import main
from hagan.experiments.contest import why_to_stop


def row(share: float, near: float, copied: float = 0.0) -> dict[str, Any]:
    return {"share": share, "scores": {"self_neighbour": near, "memorised": copied}}


def test_dead_collapsed_and_copying_runs_are_not_gone_on_with() -> None:
    assert why_to_stop([]) == ""
    assert why_to_stop([row(0.25, 0.7)]) == ""
    assert why_to_stop([row(0.25, 0.001)]) == "every generated volume is the same"
    assert why_to_stop([row(0.25, 0.1)]) == "", "once may be a slow start"
    assert why_to_stop([row(0.25, 0.1), row(0.25, 0.15)]) == "", "two extractors, one look"
    assert why_to_stop([row(0.25, 0.1), row(0.5, 0.15)]) == "generated volumes are nearly alike"
    assert why_to_stop([row(0.25, 0.8, copied=0.6)]) == "generated volumes are copies"


@pytest.mark.long
def test_a_contest_from_phantoms_to_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # In three seconds a warm start has volumes that are nearly alike, and would be stopped.
    learned = "model.warm_start=null model.reconstruction_weight_generator=5 model.encoder_every=1"
    arguments = [
        *("experiment", "recipe", "--out", str(tmp_path), "--cohorts", "brain"),
        *("--phantoms", "24", "--samples", "6", "--seeds", "1", "--minutes", "0.05"),
        *("--variants", f"hagan: hagan {learned}"),
        f"faster: hagan {learned} training.average_second=100.0",
        *("--extractors", "random-resnet10", "--workers", "2", "--device", "cpu"),
    ]
    assert main.run(arguments) == 0
    told = capsys.readouterr().out
    assert "hagan: " in told
    assert "steps a second" in told
    content = json.loads((tmp_path / "recipe" / "results.json").read_text())
    rows = content["rows"]
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()] == rows
    shares = [(r["variant"], r["share"], r["weights"]) for r in rows]
    assert shares == [
        ("hagan", 0.25, "average"),
        ("faster", 0.25, "average"),
        ("hagan", 0.5, "average"),
        ("faster", 0.5, "average"),
        ("hagan", 1.0, "average"),
        ("faster", 1.0, "average"),
        ("faster", 1.0, "second"),
    ]
    # Both have the steps that they take alone in the same time.
    steps = {r["variant"]: r["steps"] for r in rows}
    assert all(count >= 3 for count in steps.values())
    assert (tmp_path / "recipe" / "samples.png").is_file()
    assert main.run(arguments) == 0
    assert "done in" not in capsys.readouterr().out, "nothing is done twice"
