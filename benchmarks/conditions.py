"""Is what is asked for what is made? Conditions asked against conditions measured, in a table.

    python benchmarks/conditions.py STORE OUT --minutes 10 [--conditions age ventricles_ml]

A narrow HA-GAN of the store's recipe is trained on all but fold 0/5 and asked for the values of its
training scans. Each number is then told from the volumes: ventricles by their region, and every
condition by a ridge regression on principal components that was fitted on the real scans of fold
0/5, which the GAN has never seen. The same is done with the GAN's real training scans, which the
regression has not seen either: no generated volume can be expected to be told better than those.
Training goes on where an earlier call ended, so that more minutes may be given later.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from speed_parts.machine import commit, cpu

from hagan.data.conditions import values_of
from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.files import write_bytes_atomically
from hagan.data.store import Store
from hagan.evaluation.regions import region_sizes
from hagan.evaluation.regression import Fit, fit_ridge
from hagan.inference.sampler import Sampler, to_volume

FOLD = "0/5"
LARGEST_COMPONENTS = 20
Numbers = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--conditions", nargs="+", default=["age", "ventricles_ml"])
    parser.add_argument("--recipe", default="hagan-tiny-32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[])
    given = parser.parse_args()
    train(given)
    results = measured(given)
    write_bytes_atomically(given.out / "results.json", json.dumps(results, indent=1).encode())
    table = table_of(results)
    write_bytes_atomically(given.out / "README.md", table.encode())
    print(table)


def train(given: argparse.Namespace) -> None:
    """`hagan train` for so many minutes, however many steps they hold."""
    settings = [f"model.conditions={json.dumps(given.conditions)}", "model.conditioning=projection"]
    command = [
        *(sys.executable, "-m", "hagan", "train", given.recipe, "--store", str(given.store)),
        *("--run", str(given.out / "run"), "--fold", FOLD, "--steps", str(10**9)),
        *("--minutes", str(given.minutes), "--seed", str(given.seed), "--device", given.device),
        *("--no-tensorboard", "--set", *settings, *given.set),
    ]
    subprocess.run(command, check=True)


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Asked and measured of generated and of real volumes."""
    store, fold = Store.open(given.store), Fold.parse(FOLD)
    names = given.conditions
    seen, unseen = (scans_of(VolumeDataset(store, fold, part), names) for part in PARTS)
    told = [Told(*unseen, column) for column in range(len(names))]
    sampler = Sampler.from_run(given.out / "run", given.device)
    asked, made = [], []
    for index in range(given.count):
        conditions = sampler.conditions(index, seed=given.seed)
        assert conditions is not None
        asked.append([conditions[name] for name in names])
        labels = sampler.labels(None, conditions)
        codes = sampler.latents(index, seed=given.seed)
        made.append(np.concatenate(list(sampler.slabs(codes, labels))))
    rows = []
    for kind, volumes, values in (
        ("generated", np.stack(made), np.array(asked)),
        ("real", *seen),
    ):
        for column, name in enumerate(names):
            ways = {"regression": told[column](volumes)}
            if name.startswith("ventricles") and store.geometry.modality == "mr":
                sizes = [region_sizes(to_volume(v, store.geometry)) for v in volumes]
                ways["region"] = np.array([size["ventricles"] for size in sizes])
            rows += [
                {"volumes": kind, "condition": name, "by": way, **agreement(values[:, column], m)}
                for way, m in ways.items()
            ]
    return {
        "rows": rows,
        "step": sampler.loaded.step,
        "scans of the GAN": len(seen[0]),
        "scans of the regression": len(unseen[0]),
        "minutes": given.minutes,
        "machine": {"commit": commit(), "CPU": cpu(), "device": given.device},
        "command": shlex.join(["python", *sys.argv]),
    }


PARTS: tuple[Any, Any] = ("train", "held-out")


def scans_of(part: VolumeDataset, names: Sequence[str]) -> tuple[NDArray[np.float32], Numbers]:
    """Volumes [n, d, h, w] of a part and their values [n, c]."""
    volumes = np.stack([part.volume(index)[0].numpy() for index in range(len(part))])
    return volumes, np.array([values_of(entry.covariates, names) for entry in part.entries])


class Told:
    """What a regression on principal components of real volumes says of others."""

    def __init__(self, volumes: NDArray[np.float32], values: Numbers, column: int) -> None:
        flat = volumes.reshape(len(volumes), -1).astype(np.float64)
        self.mean = flat.mean(axis=0)
        components = min(LARGEST_COMPONENTS, len(volumes) // 2)
        self.axes = np.linalg.svd(flat - self.mean, full_matrices=False)[2][:components]
        self.fit: Fit = fit_ridge(self._codes(volumes), values[:, column])

    def _codes(self, volumes: NDArray[np.float32]) -> Numbers:
        codes: Numbers = (volumes.reshape(len(volumes), -1) - self.mean) @ self.axes.T
        return codes

    def __call__(self, volumes: NDArray[np.float32]) -> Numbers:
        return self.fit.predict(self._codes(volumes))


def agreement(asked: Numbers, found: Numbers) -> dict[str, float | int | None]:
    """Correlation, and what is measured more for 1 asked more."""
    spreads = (asked.std(), found.std())
    covariance = float(((asked - asked.mean()) * (found - found.mean())).mean())
    return {
        "count": len(asked),
        "correlation": covariance / float(np.prod(spreads)) if all(spreads) else None,
        "slope": covariance / float(spreads[0] ** 2) if spreads[0] else None,
        "mean absolute difference": float(np.abs(found - asked).mean()),
    }


def table_of(results: dict[str, Any]) -> str:
    """The rows as Markdown, with what made them."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    columns = ("correlation", "slope", "mean absolute difference")
    lines = [
        f"| condition | told by | volumes | n | {' | '.join(columns)} |",
        f"|---|---|---|{'---|' * (1 + len(columns))}",
    ]
    for row in sorted(results["rows"], key=lambda r: (r["condition"], r["by"], r["volumes"])):
        cells = " | ".join(number(row[column]) for column in columns)
        what = f"{row['condition']} | {row['by']} | {row['volumes']} | {row['count']}"
        lines.append(f"| {what} | {cells} |")
    return "\n".join(
        [
            "# Conditions asked and measured",
            "",
            f"`{results['command']}` at {results['machine']['commit']}, "
            f"{results['machine']['CPU']}, {results['machine']['device']}: step {results['step']} "
            f"on {results['scans of the GAN']} scans; the regression was fitted on "
            f"{results['scans of the regression']} others. Rows of real scans say how well the "
            "measurement itself does.",
            "",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
