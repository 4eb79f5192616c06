"""Volumes a second of the ways in which training gets its batches, with and without computing.

A store of balls in noise is made in a temporary folder. Each route makes the same mirrored batches:

- earlier: map the file, cast, divide, stack, mirror, each into new memory (the route before);
- plain: read into the batch in one pass, when the step asks for it (`--prefetch 0`);
- prefetched: the same, by a thread, two batches ahead (`--prefetch 2`);
- resident: int16 voxels held in the device's memory (`--resident always`).

Routes are interleaved; a figure is the median over the rounds. What stands in for a training step
is a real convolution, forward and backward. Files come from the page cache, or with --cold from the
disk.

    OMP_NUM_THREADS=1 python benchmarks/data_path.py [--sides 64 128 256] [--device cuda] [--cold]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from hagan.config.data import PrepareConfig
from hagan.data.batches import Batch, Batches
from hagan.data.dataset import VolumeDataset
from hagan.data.placement import Window, as_rows
from hagan.data.quantised import FULL_SCALE
from hagan.data.resident import ResidentDataset
from hagan.data.store import Store, StoreEntry
from hagan.training.batch_source import BatchSource
from hagan.training.prefetch import Prefetched

ROUTES = ("earlier", "plain", "prefetched", "resident")
AHEAD = 2
BASELINE = "plain"


def made_store(folder: Path, side: int, count: int) -> Store:
    """Balls of different sizes in noise."""
    store = Store.create(folder, PrepareConfig(protocol="generic", volume_shape=(side,) * 3))
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    square = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    rng = np.random.default_rng(20261123)
    entries = []
    for number in range(1, count + 1):
        noise = rng.standard_normal((side,) * 3, dtype=np.float32)
        name = f"{number:04d}"
        store.save_volume(f"{name}.npy", np.tanh(9 * (number / count - square)) + 0.05 * noise)
        entries.append(
            StoreEntry(
                id=name,
                file=f"{name}.npy",
                source=f"{name}.nii",
                source_sha256=f"{number:064x}",
                subject=name,
                affine=as_rows(np.eye(4)),
                spacing=(1.0, 1.0, 1.0),
                source_shape=(side,) * 3,
                source_affine=as_rows(np.eye(4)),
                crop=((0, side),) * 3,
                window=Window(-1.0, 1.0),
                modality="ct",
                covariates={},
            )
        )
    return store.with_entries(entries)


class Earlier:
    """Batches as they were made before: each stage into memory of its own."""

    def __init__(self, batches: Batches, store: Store) -> None:
        self.batches = batches
        self.store = store

    def at(self, step: int, repeat: int = 0) -> Batch:
        volumes = []
        for index in self.batches.indices(step, repeat):
            path = self.store.path / self.store.entries[index].file
            stored = np.load(path, mmap_mode="r", allow_pickle=False)
            volume = stored.astype(np.float32) / np.float32(FULL_SCALE)
            volumes.append(torch.from_numpy(volume)[None])
        stacked = torch.stack(volumes)
        rng = np.random.default_rng((self.batches.seed, 1, step, repeat))
        swapped = torch.from_numpy(rng.random(self.batches.batch_size) < 0.5)
        return Batch(
            torch.where(swapped[:, None, None, None, None], stacked.flip(-1), stacked), None
        )


class Work:
    """What stands in for a training step: one convolution to half the side, and back."""

    def __init__(self, device: torch.device) -> None:
        torch.manual_seed(0)
        self.layer = torch.nn.Conv3d(1, 8, 3, stride=2, padding=1).to(device)

    def __call__(self, volumes: torch.Tensor) -> None:
        self.layer.zero_grad(set_to_none=True)
        self.layer(volumes).square().mean().backward()


@dataclass(frozen=True)
class Row:
    """One route at one side."""

    side: int
    batch: int
    route: str
    making: float
    """Volumes a second when nothing else is done."""
    making_ratio: float
    training: float
    """Volumes a second with the work that stands in for a step."""
    training_ratio: float
    waiting: float
    """Share of the time with work in which the step waits for its batch."""


class Routes:
    """The routes to the batches of one store, and what it takes to time them."""

    def __init__(self, store: Store, batch: int, device: torch.device, cold: bool) -> None:
        dataset = VolumeDataset(store)
        self.store, self.batch, self.device, self.cold = store, batch, device, cold
        self.pinned = device.type == "cuda"
        self.files = Batches(dataset, batch, 0, mirror=True, pinned=self.pinned)
        self.earlier = Earlier(Batches(dataset, batch, 0, mirror=True), store)
        self.held = Batches(ResidentDataset(dataset, device), batch, 0, mirror=True)
        self.work = Work(device)

    @contextmanager
    def open(self, route: str) -> Iterator[BatchSource]:
        if route == "prefetched":
            with Prefetched(self.files, AHEAD, pin=self.pinned) as ahead:
                yield ahead
        else:
            yield {"earlier": self.earlier, "plain": self.files, "resident": self.held}[route]

    def check(self) -> None:
        """All of them must give the same batches before their times mean anything."""
        for step in range(2):
            expected = self.earlier.at(step).volumes
            for route in ROUTES:
                with self.open(route) as source:
                    assert torch.equal(source.at(step).volumes.cpu(), expected), route

    def seconds(self, route: str, steps: int, working: bool) -> tuple[float, float]:
        """Wall time of so many batches from a standing start, and how much of it was waiting."""
        self._prepare()
        waited = 0.0
        with self.open(route) as source:
            began = time.perf_counter()
            for step in range(steps):
                asked = time.perf_counter()
                volumes = source.at(step).volumes.to(self.device, non_blocking=True)
                waited += time.perf_counter() - asked
                if working:
                    self.work(volumes)
            self._wait()
            return time.perf_counter() - began, waited

    def _prepare(self) -> None:
        self._wait()
        if self.cold:
            for entry in self.store.entries:
                with (self.store.path / entry.file).open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def measure(routes: Routes, side: int, steps: int, rounds: int) -> list[Row]:
    """Interleave the routes; the first round warms up."""
    routes.check()
    making: dict[str, list[float]] = {route: [] for route in ROUTES}
    training: dict[str, list[float]] = {route: [] for route in ROUTES}
    waiting: dict[str, list[float]] = {route: [] for route in ROUTES}
    for number in range(rounds + 1):
        for route in ROUTES:
            made, _ = routes.seconds(route, steps, working=False)
            trained, waited = routes.seconds(route, steps, working=True)
            if number:
                making[route].append(steps * routes.batch / made)
                training[route].append(steps * routes.batch / trained)
                waiting[route].append(waited / trained)
    middle = statistics.median
    return [
        Row(
            side=side,
            batch=routes.batch,
            route=route,
            making=middle(making[route]),
            making_ratio=middle(making[route]) / middle(making[BASELINE]),
            training=middle(training[route]),
            training_ratio=middle(training[route]) / middle(training[BASELINE]),
            waiting=middle(waiting[route]),
        )
        for route in ROUTES
    ]


def machine(device: torch.device) -> dict[str, str | int]:
    """Where, and of which commit, the figures are."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    if device.type == "cuda":
        name += f", {torch.cuda.get_device_name(device)}"
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "machine": name,
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "torch": torch.__version__,
        "commit": commit or "unknown",
    }


def main() -> None:
    """Print a Markdown table and the same figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, help="batches of one timing; fewer at large sides")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cold", action="store_true", help="drop the files from the page cache")
    parser.add_argument("--folder", type=Path, help="where the temporary store is made")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    facts = machine(device) | {"cold": arguments.cold, "rounds": arguments.rounds}
    print(", ".join(f"{key} {value}" for key, value in facts.items()), end="\n\n")
    print("| side | batch | route | volumes/s | ratio | with work | ratio | waiting |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows: list[Row] = []
    for side in arguments.sides:
        steps = arguments.steps or 4 * max(1, 256 // side)
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            # Each file once a timing, so that --cold is cold for all of them.
            store = made_store(Path(folder), side, arguments.batch * steps)
            # Written out, since the system drops no page that it has yet to write.
            os.sync()
            routes = Routes(store, arguments.batch, device, arguments.cold)
            measured = measure(routes, side, steps, arguments.rounds)
        for row in measured:
            print(
                f"| {row.side} | {row.batch} | {row.route} | {row.making:.1f} "
                f"| {row.making_ratio:.2f} | {row.training:.1f} | {row.training_ratio:.2f} "
                f"| {row.waiting:.0%} |",
                flush=True,
            )
        rows += measured
    print("\n" + json.dumps({**facts, "rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
