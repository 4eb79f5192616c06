"""Regions found by thresholds and shape against the truth of phantoms, at three levels of noise.

    python benchmarks/segmentation.py OUT [--count 50] [--sides 32 64]

Each phantom is rendered with half, the whole and twice its own noise. Dice is of the mask against
the voxels that are more than half of the region; the volume's error is against the truth with its
partial voxels. OUT gets results.md and results.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hagan.data.files import make_folder, write_bytes_atomically
from hagan.data.morphology import dice
from hagan.data.phantom.brain import render_brain
from hagan.data.phantom.brain_cohort import draw_brain
from hagan.data.phantom.cohort import centred_affine
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.pool import run_in_processes
from hagan.data.volume import Volume
from hagan.evaluation.regions import region_masks, region_sizes
from hagan.evaluation.traversal import spearman
from hagan.experiments.machine import facts

NOISE = (0.5, 1.0, 2.0)
SEED = 2026
TRUE_SIZES = {
    "lung": "lung_l",
    "bone": "bone_l",
    "brain": "brain_ml",
    "ventricles": "ventricles_ml",
}

Task = tuple[str, int, float, int]
"""Kind, side, level of noise and number of a phantom."""


def measure(task: Task) -> dict[str, Any]:
    """Dice, found and true size of each region of one phantom."""
    kind, side, level, number = task
    if kind == "thorax":
        thorax = draw_thorax(SEED, number)
        thorax = replace(thorax, noise_hu=thorax.noise_hu * level)
        rendered = render_thorax(thorax, side, masks=True)
    else:
        brain = draw_brain(SEED, number)
        rendered = render_brain(replace(brain, noise=brain.noise * level), side, masks=True)
    volume = Volume(
        rendered.voxels.astype(np.float32),
        centred_affine(kind, side),
        "ct" if kind == "thorax" else "mr",
    )
    masks = region_masks(volume)
    sizes = region_sizes(volume, masks)
    shares = dict(rendered.masks)
    if kind == "brain":
        shares["brain"] = shares["gm"] + shares["wm"]
    found = {}
    for region, column in TRUE_SIZES.items():
        if region in masks:
            litres = 1000.0 if column.endswith("_l") else 1.0
            overlap = dice(masks[region], shares[region] > 0.5)
            found[region] = (overlap, sizes[region], rendered.truth[column] * litres)
    if kind == "thorax":
        found["emphysema"] = (float("nan"), sizes["emphysema"], rendered.truth["laa_percent"])
    return found


def rows_of(found: dict[Task, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each kind, side, level of noise and region."""
    for kind, side, level in dict.fromkeys(task[:3] for task in found):
        cells = [found[task] for task in sorted(found) if task[:3] == (kind, side, level)]
        for region in cells[0]:
            overlap, size, truth = np.array([cell[region] for cell in cells], float).T
            error = size / truth - 1
            yield {
                "kind": kind,
                "side": side,
                "noise": level,
                "region": region,
                "count": len(cells),
                "dice": float(overlap.mean()),
                "lowest dice": float(overlap.min()),
                "error of size, %": float(100 * error.mean()),
                "its sd, %": float(100 * error.std(ddof=1)),
                "rank correlation": spearman(size, truth),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--kinds", nargs="+", default=["thorax", "brain"])
    parser.add_argument("--workers", type=int, default=None)
    flags = parser.parse_args()
    tasks = [
        (kind, side, level, number)
        for kind in flags.kinds
        for side in flags.sides
        for level in NOISE
        for number in range(flags.count)
    ]
    found: dict[Task, dict[str, Any]] = {}
    for task, answer in run_in_processes(measure, tasks, flags.workers):
        assert answer is not None, task
        found[task] = answer
    rows = list(rows_of(found))
    header = list(rows[0])
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    for row in rows:
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()]
        lines.append(" | ".join(cells))
    machine = facts("cpu", 1)
    text = "\n".join(
        [
            "# Regions of phantoms against their truth\n",
            *(f"- {name}: {value}" for name, value in machine.items()),
            "",
            *(f"| {line} |" for line in lines),
            "",
        ]
    )
    make_folder(flags.out)
    write_bytes_atomically(flags.out / "results.md", text.encode())
    content = json.dumps({"facts": machine, "rows": rows}, indent=1) + "\n"
    write_bytes_atomically(flags.out / "results.json", content.encode())
    print(text)


if __name__ == "__main__":
    main()
