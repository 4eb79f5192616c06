"""`hagan info`: what a recipe, run, weights file, store or scan is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

from hagan.config.run_dir import RunDir
from hagan.errors import BadInputError

BYTES_OF_STATE = 16
"""A trained float32 weight: itself, its gradient and two of Adam's moments."""


@dataclass(frozen=True)
class Info:
    """Say what something is: a recipe's name, a run, a weights file, a store, or a scan."""

    what: tyro.conf.Positional[str]
    """Name of a recipe, or a path."""
    json: bool = False
    """Print as JSON."""

    def run(self) -> int:
        """Print; returns the exit code."""
        facts = self.facts()
        if self.json:
            print(json.dumps(facts, indent=2))
            return 0
        console = Console(highlight=False, soft_wrap=True)
        for name, value in facts.items():
            if isinstance(value, dict):
                console.print(f"{name}:")
                for key, inner in value.items():
                    console.print(f"  {key}: {inner}", markup=False)
            else:
                console.print(f"{name}: {value}", markup=False)
        return 0

    def facts(self) -> dict[str, Any]:
        """What is known of it, by name.

        Raises:
            BadInputError: It is a path that holds nothing of ours.
            UsageError: It is no path and no recipe.
        """
        path = Path(self.what)
        if not path.exists():
            return recipe_facts(self.what)
        if path.is_dir() and (path / "index.json").is_file():
            return store_facts(path)
        if path.suffix == ".safetensors" or (path / "weights").is_dir():
            return run_facts(path)
        if path.is_dir() and (path / "config.json").is_file():
            raise BadInputError(f"{path}: a run that has saved nothing yet")
        return scan_facts(path)


def recipe_facts(name: str) -> dict[str, Any]:
    """Players, parameters and memory of a recipe."""
    from hagan.config.recipes import FAMILIES, recipe

    # First, so that a wrong name is told before torch is loaded.
    config = recipe(name)

    import torch

    from hagan.config.codec import to_plain
    from hagan.models.build import build_model
    from hagan.training.cost import step_cost

    # The meta device makes the shapes without the numbers.
    with torch.device("meta"):
        model = build_model(config.model)
    cost = step_cost(config)
    players = {
        phase.name: sum(p.numel() for p in phase.trains.parameters()) for phase in model.phases()
    }
    total = sum(p.numel() for p in model.parameters())
    family = FAMILIES[name.rpartition("-")[0]][0]
    about = " ".join((family.__doc__ or "").split())
    return {
        "recipe": name,
        "about": about,
        "volume shape": list(model.volume_shape),
        "parameters": total,
        "parameters by player": players,
        "memory of weights, gradients and Adam (MiB)": round(total * BYTES_OF_STATE / 2**20),
        f"peak of a training step of batch {config.training.batch_size} (MiB)": round(
            cost.peak / 2**20
        ),
        "peak by player (MiB)": {phase.name: round(phase.peak / 2**20) for phase in cost.phases},
        "GFLOP of a training step": round(cost.flops / 1e9, 1),
        "modules": {
            module_name: type(module).__name__
            for module_name, module in model.named_modules()
            if module_name.count(".") == 1 and any(True for _ in module.parameters())
        },
        "model": to_plain(config.model),
        "training": to_plain(config.training),
    }


def run_facts(path: Path) -> dict[str, Any]:
    """What a run or weights file holds."""
    from hagan.models.weights import load_model
    from hagan.training.guards import read_signs

    loaded = load_model(path)
    published = loaded.model.published()
    signs = read_signs(RunDir(path).warnings) if path.is_dir() else []
    warnings = {"warnings": {f"step {s.step}": s.text for s in signs}} if signs else {}
    return {
        "weights": str(loaded.path),
        "sha256": loaded.sha256,
        "recipe": loaded.config.name,
        "step": loaded.step,
        "steps asked for": loaded.config.training.steps,
        "parameters": {
            name: sum(p.numel() for p in module.parameters()) for name, module in published.items()
        },
        "classes": loaded.model.num_classes,
        **warnings,
        "data": _without_rows(loaded.geometry) or "unknown (imported)",
    }


def _without_rows(geometry: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of the data, but for the row of each scan that conditions keep."""
    told = dict(geometry or {})
    if told.get("conditions"):
        kept = told["conditions"].items()
        told["conditions"] = {k: v for k, v in kept if k not in ("rows", "labels")}
    return told


def store_facts(path: Path) -> dict[str, Any]:
    """What a store holds."""
    from hagan.data.store import Store, fold_of

    store = Store.open(path)
    folds = [0] * 5
    for entry in store.entries:
        folds[fold_of(entry.subject)] += 1
    return {
        "store": str(path),
        "scans": len(store.entries),
        "subjects": len({entry.subject for entry in store.entries}),
        "scans by fold of 5": folds,
        "geometry": json.loads(store.geometry.to_json()),
        "covariates": sorted({name for entry in store.entries for name in entry.covariates}),
    }


def scan_facts(path: Path) -> dict[str, Any]:
    """What a scan holds, in canonical orientation."""
    from hagan.data.formats import read_scan

    volume = read_scan(path)
    return {
        "scan": str(path),
        "shape (d, h, w)": list(volume.shape),
        "spacing (mm)": [round(size, 4) for size in volume.spacing],
        "modality": volume.modality,
        "lowest": float(volume.voxels.min()),
        "highest": float(volume.voxels.max()),
        "mean": float(volume.voxels.mean()),
    }
