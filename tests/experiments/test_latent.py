"""Fig. 5, tiny: directions of phantoms' anatomy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hagan.cli import main
from hagan.experiments.latent import WAYS


@pytest.mark.long
@pytest.mark.slow
def test_every_region_is_moved_in_every_way(tmp_path: Path) -> None:
    flags = ("--minutes", "0.05", "--phantoms", "30", "--device", "cpu", "--cohorts", "thorax")
    assert main.run(["experiment", "latent", "--out", str(tmp_path), *flags]) == 0
    results = json.loads((tmp_path / "latent/results.json").read_text())
    rows = {(row["target"], row["way"]): row for row in results["rows"]}
    held = "the largest region held (lung)"
    expected = {(target, way.name) for target in ("lung", "bone", "emphysema") for way in WAYS}
    assert set(rows) == expected | {("bone", held), ("emphysema", held)}
    for target in ("lung", "bone", "emphysema"):
        assert (tmp_path / "latent" / f"latent-thorax-{target}.png").is_file()
        folder = tmp_path / "directions/thorax" / f"{target}-0"
        told = json.loads((folder / "results.json").read_text())
        assert told["agreement"]["rank"] == rows[target, WAYS[0].name]["rank"]
        assert len(list(folder.glob("*.gif"))) == 6
    edits = json.loads((tmp_path / "directions/thorax/lung-2/manifest.json").read_text())
    assert "patient data" in edits["kind"]
    assert any("lung" in sentence for sentence in results["reading"])
