"""Table VI as tables and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hagan.experiments.clinical_tables import clinical_reading, clinical_tables
from hagan.experiments.cohort import phantoms


def row(features: str, target: str, value: float, penalty: str = "chosen") -> dict[str, Any]:
    return {
        "cohort": "thorax",
        "is_phantom": True,
        "features": features,
        "target": target,
        "penalty": penalty,
        "r_squared": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "trained_on": [80, 81],
        "held_out": 39,
        "added_before_log": 0.002 if target == "log laa_percent" else 0.0,
    }


ROWS = [
    row("hagan", "log laa_percent", 0.4),
    row("floor: PCA of the voxels", "log laa_percent", 0.2),
    row("hagan", "age", 0.1),
    row("floor: PCA of the voxels", "age", 0.3),
    row("hagan", "age", -9.0, "1e-4 (paper)"),
    row("floor: PCA of the voxels", "age", -8.0, "1e-4 (paper)"),
]


def test_the_papers_figure_stands_beside_ours_where_there_is_one(tmp_path: Path) -> None:
    cohort = phantoms("thorax", tmp_path, (32,), 10, 0)
    tables = {table.title: table for table in clinical_tables([cohort], ROWS)}
    assert len(tables) == 2
    table = tables["R2 on held-out subjects of thorax phantoms, penalty chosen"]
    assert table.header == ("features", "log laa_percent", "paper", "age")
    assert table.body[0] == ("hagan", "0.4 (0.3 to 0.5)", "0.746", "0.1 (0 to 0.2)")
    assert table.body[1][2] == "-"
    assert "0.002 was added before the logarithm" in table.text
    assert "80 or 81 scans a fold" in table.text


def test_it_says_where_the_floor_wins() -> None:
    told = clinical_reading(ROWS)
    assert "beats the floor (PCA of the voxels, 0.2)" in told[0]
    assert "the floor wins (PCA of the voxels, 0.3)" in told[1]
    assert any("interpolates" in sentence for sentence in told)
    assert "no evidence about patients" in told[-1]
