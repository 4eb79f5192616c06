"""Every model for the same minutes on the same phantoms: distances on the way, samples, a table.

    python benchmarks/rivals.py OUT --minutes 10 [--recipes wgan-tiny-32 hagan-tiny-32 ...]
    python benchmarks/rivals.py OUT --table

Thorax phantoms are made once: 64 to train on and 32 others to compare with. Each recipe trains
until its minutes are over, saved and judged at the start, in the middle and at the end; judging
does not count. On a CPU the minutes are those of one core that the process itself spent, so that
other work on the machine takes nothing from a recipe; on a GPU they are the wall's. With --table
what is there so far becomes table.md and samples.png. Several processes may train different
recipes in one folder.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from speed_parts.machine import commit, cpu

from hagan.config.recipes import FAMILIES, recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.batches import Batches
from hagan.data.dataset import VolumeDataset
from hagan.data.files import write_bytes_atomically
from hagan.data.montage import montage
from hagan.data.png import write_png
from hagan.data.store import Store
from hagan.errors import InterruptedRunError
from hagan.evaluation.extractors import random_resnet10_extractor
from hagan.evaluation.frechet import frechet_distance
from hagan.evaluation.sharpness import Sharpness
from hagan.inference.sampler import Sampler
from hagan.models.build import build_model
from hagan.models.gan import Encodes
from hagan.training.log import read_metrics
from hagan.training.trainer import Progress, Trainer

SIDE, TRAIN, HELD_OUT, SAMPLES = 32, 64, 32, 32
ENDLESS = 10**9
Volume = np.ndarray[Any, np.dtype[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--recipes", nargs="+", default=tiny_recipes())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    if given.table:
        write_table(given.out)
        return
    prepare(given.out)
    for name in given.recipes:
        if not (given.out / name / "result.json").exists():
            train_and_judge(given.out, name, 60 * given.minutes, given.device)


def tiny_recipes() -> list[str]:
    """The narrow form of every model."""
    return [f"{family}-{SIDE}" for family in FAMILIES if family.endswith("-tiny")]


def prepare(out: Path) -> None:
    """Both stores; what is there is kept."""
    for name, count, seed in (("train", TRAIN, 0), ("held-out", HELD_OUT, 1)):
        phantoms, store = out / f"phantoms-{name}", out / f"store-{name}"
        if store.exists():
            continue
        made = [*("phantom", "thorax", str(phantoms)), "--count", str(count), "--seed", str(seed)]
        read = ["prepare", str(phantoms), str(store), "--protocol", "thorax-ct"]
        for command in (made, read):
            command = [sys.executable, "-m", "hagan", *command, "--side", str(SIDE)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def volumes_of(store: Path) -> list[Volume]:
    opened = Store.open(store)
    return [opened.load(entry) for entry in opened.entries]


def train_and_judge(out: Path, name: str, seconds: float, device: str) -> None:
    """Train one recipe; leaves its run, samples and result.json."""
    folder = out / name
    run = RunDir(folder / "run")
    config = recipe(name)
    training = replace(config.training, steps=ENDLESS, save_every=ENDLESS, preview_every=ENDLESS)
    config = replace(config, training=training)
    run.path.mkdir(parents=True, exist_ok=True)
    judge = Judge(out)
    curve: list[dict[str, Any]] = []
    spent = 0.0
    for until in (0.0, seconds / 2, seconds):
        spent += train_until(config, out, run, until - spent, device)
        curve.append({"seconds": round(spent), **judge(config, run, device)})
        print(f"{name}: {json.dumps(curve[-1])}", flush=True)
    metrics = read_metrics(run.metrics)
    numbers = [v for line in metrics for v in line.values() if isinstance(v, float)]
    result = {
        "recipe": name,
        "parameters": sum(p.numel() for p in build_model(config.model).parameters()),
        "curve": curve,
        "losses_finite": all(math.isfinite(value) for value in numbers),
        "machine": {
            "commit": commit(),
            "CPU": cpu(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "device": device,
        },
        "command": shlex.join(["python", *sys.argv]),
    }
    write_bytes_atomically(folder / "result.json", json.dumps(result, indent=1).encode())


def train_until(config: RunConfig, out: Path, run: RunDir, seconds: float, device: str) -> float:
    """Go on with a run for so many seconds, or begin it where there are none; those it took."""
    store = Store.open(out / "store-train")
    dataset = VolumeDataset(store)
    training = config.training
    batches = Batches(dataset, batch_size=training.batch_size, seed=training.seed)
    torch.manual_seed(training.seed)
    clock = time.process_time if device == "cpu" else time.perf_counter
    began = math.inf

    def stop_in_time(progress: Progress) -> None:
        if clock() - began >= seconds:
            os.kill(os.getpid(), signal.SIGTERM)

    trainer = Trainer(
        build_model(config.model),
        config,
        batches,
        run,
        geometry=json.loads(store.geometry.to_json()),
        device=device,
        on_step=stop_in_time,
    )
    if seconds <= 0:
        trainer.save()
        return 0.0
    began = clock()
    with suppress(InterruptedRunError):
        trainer.train()
    return clock() - began


class Judge:
    """Distances of a run's samples to the phantoms that were held out."""

    def __init__(self, out: Path) -> None:
        self.extractor = random_resnet10_extractor()
        self.sharpness = Sharpness()
        self.held_out = volumes_of(out / "store-held-out")
        self.real = self.features(self.held_out)
        train = volumes_of(out / "store-train")[:SAMPLES]
        self.floor = frechet_distance(self.features(train), self.real)
        self.real_sharpness = self.mean_sharpness(self.held_out)

    def features(self, volumes: list[Volume]) -> Any:
        return np.stack([self.extractor(volume) for volume in volumes])

    def mean_sharpness(self, volumes: list[Volume]) -> float:
        return float(np.mean([float(np.mean(self.sharpness(volume))) for volume in volumes]))

    def __call__(self, config: RunConfig, run: RunDir, device: str) -> dict[str, Any]:
        """Figures of the run's weights for use; also leaves pictures' volumes beside it."""
        sampler = Sampler.from_run(run.path, device)
        model = sampler.loaded.model
        fakes, rebuilt, error = [], [], None
        with torch.no_grad():
            for index in range(SAMPLES):
                codes = sampler.latents(index, seed=0)
                fakes.append(model.generate(codes)[0, 0].float().cpu().numpy())
            if isinstance(model, Encodes) and "encoder" in model.published():
                for volume in self.held_out:
                    given = torch.from_numpy(volume)[None, None].to(device)
                    rebuilt.append(model.generate(model.encode(given))[0, 0].float().cpu().numpy())
                pairs = zip(rebuilt, self.held_out, strict=True)
                error = float(np.mean([np.abs(a - b).mean() for a, b in pairs]))
        folder = run.path.parent
        np.savez_compressed(folder / "volumes.npz", fakes=fakes[:4], rebuilt=rebuilt[:4])
        return {
            "step": sampler.loaded.step,
            "distance": frechet_distance(self.features(fakes), self.real),
            "floor": self.floor,
            "sharpness": self.mean_sharpness(fakes) / self.real_sharpness,
            "rebuilt_error": error,
        }


def write_table(out: Path) -> None:
    """table.md and samples.png of all results that are there."""
    results = [json.loads(path.read_text()) for path in sorted(out.glob("*/result.json"))]
    results.sort(key=lambda result: result["curve"][-1]["distance"])
    lines = [
        "| recipe | parameters | steps | distance: start | middle | end | sharpness | rebuilt L1 | "
        "losses finite |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        start, middle, end = result["curve"]
        error = "-" if end["rebuilt_error"] is None else f"{end['rebuilt_error']:.3f}"
        finite = "yes" if result["losses_finite"] else "NO"
        lines.append(
            f"| {result['recipe']} | {result['parameters'] / 1e6:.2f} M | {end['step']} | "
            f"{start['distance']:.4g} | {middle['distance']:.4g} | {end['distance']:.4g} | "
            f"{end['sharpness']:.2f} | {error} | {finite} |"
        )
    floor, machine = results[0]["curve"][-1]["floor"], results[0]["machine"]
    lines += ["", f"Floor: {floor:.4g} ({SAMPLES} training phantoms).", "", json.dumps(machine)]
    lines += ["", *(f"    {command}" for command in sorted({r["command"] for r in results}))]
    write_bytes_atomically(out / "table.md", ("\n".join(lines) + "\n").encode())
    rows = [("held out", volumes_of(out / "store-held-out")[:4])]
    for result in results:
        made = np.load(out / result["recipe"] / "volumes.npz")
        rows.append((result["recipe"].removesuffix(f"-{SIDE}"), list(made["fakes"])))
        if len(made["rebuilt"]):
            rows.append(("  rebuilt", list(made["rebuilt"])))
    write_png(out / "samples.png", montage(rows), {"Synthetic": "yes"})
    print("\n".join(lines))


if __name__ == "__main__":
    main()
