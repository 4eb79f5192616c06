"""What a viewer is asked to show, made on the spot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from data.made import save_series, save_thorax
from hagan.cli.main import run as command
from hagan.data.files import sha256_of
from hagan.inference.latent_space import QUANTILES, Direction
from inference.made import make_store

SHELF = "shelf"
LATENTS = 16
VOLUMES = 2


def make_shelf(folder: Path, run: Path) -> Path:
    """One of everything that a folder of results can hold, and one damaged scan."""
    shutil.copytree(run, folder / "run")
    lines = [{"step": s, "generator/fake": 10.0 / s, "critic/real": 1.0} for s in (10, 20, 30)]
    (folder / "run" / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    arguments = [str(run), str(folder / "new"), "--count", str(VOLUMES), "--device", "cpu"]
    assert command(["generate", *arguments]) == 0
    make_store(folder.parent / "made")
    shutil.copytree(folder.parent / "made" / "store", folder / "store")
    save_thorax(folder / "scans" / "good.nii.gz")
    save_series(folder / "scans" / "series")
    (folder / "scans" / "bad.nii.gz").write_bytes(b"a text")
    save_direction(folder / "lung.npz", sha256_of(run / "weights" / "model.safetensors"))
    results = {"command": "hagan evaluate", "sets": [], "far": float("inf")}
    (folder / "report").mkdir()
    (folder / "report" / "results.json").write_text(json.dumps(results))
    page = "<!doctype html><title>r</title><h1>Figures</h1><script>document.title='run'</script>"
    (folder / "report" / "report.html").write_text(page)
    return folder


def save_direction(path: Path, weights_sha256: str) -> Path:
    """A direction of no meaning that fits a run."""
    rng = np.random.default_rng(0)
    Direction(
        target="lung",
        unit="ml",
        weights=rng.normal(size=LATENTS),
        intercept=3000.0,
        pattern=rng.normal(size=LATENTS),
        quantiles=tuple(2998.0 + number for number in range(len(QUANTILES))),
        weights_sha256=weights_sha256,
        facts={"r2_unseen": 0.9},
    ).save(path)
    return path
