"""`hagan demo`: the main job from nothing to a report, on phantoms, in minutes on a CPU."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from hagan.config.run_dir import RunDir
from hagan.errors import HaganError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECIPE = "hagan-tiny-32"
SIDE = 32
FOLD = "0/5"


class DemoFailedError(HaganError):
    """Training did not bring generated volumes closer to held-out ones."""


@dataclass(frozen=True)
class Distances:
    """Frechet distances to the held-out phantoms, each of as many volumes as there are."""

    trained: float
    untrained: float
    floor: float
    count: int


@dataclass(frozen=True)
class Demo:
    """Phantoms -> store -> train -> generate -> reconstruct -> evaluate -> report.html."""

    out: Path = Path("runs/demo")
    """Folder for everything; what is there already is gone on with."""
    count: int = 60
    """Phantoms; a fifth is held out of training."""
    steps: int = 1200
    """Training steps."""
    generate: int = 16
    """Volumes to generate."""
    seed: int = 0
    """Seed of phantoms, training and samples."""

    def run(self) -> int:
        """Run every stage; returns the exit code."""
        from hagan.cli.demo_report import sentence, write_montage, write_report
        from hagan.data.files import make_folder

        console = Console(highlight=False, soft_wrap=True)
        stages = Stages(console)
        began = time.perf_counter()
        make_folder(self.out)
        for name, command in self.commands().items():
            with stages.stage(name, command):
                run_command(command)
        with stages.stage("compare with held-out phantoms"):
            distances = self.compare()
            console.print(sentence(distances))
        with stages.stage("report"):
            write_montage(self)
            write_report(self, stages.done, distances)
        console.print(
            f"\ndone in {time.perf_counter() - began:.0f} s. Look at\n"
            f"  {self.out / 'report.html'}\n  {self.out / 'evaluation' / 'report.html'}\n"
            f"  {self.out / 'montage.png'}\n"
            f"  {self.out / 'generated'}  (NIfTI, for any viewer)\n"
            "next: prepare scans of your own with `hagan prepare SCANS STORE --protocol ...`"
        )
        if distances.trained >= distances.untrained:
            raise DemoFailedError(
                "training did not bring generated volumes closer to the held-out phantoms: "
                f"distance {distances.trained:.4g} trained, {distances.untrained:.4g} untrained"
            )
        return 0

    def commands(self) -> dict[str, list[str]]:
        """Each stage's command line, as a user would type it."""
        phantoms, store, run = (str(self.out / name) for name in ("phantoms", "store", "run"))
        seed = ["--seed", str(self.seed)]
        return {
            "phantoms": [
                *("phantom", "thorax", phantoms),
                *("--count", str(self.count), "--side", str(SIDE), *seed),
            ],
            "prepare": [
                *("prepare", phantoms, store, "--protocol", "thorax-ct", "--side", str(SIDE)),
                *("--labels", str(Path(phantoms) / "truth.csv")),
            ],
            "train": [
                *("train", RECIPE, "--store", store, "--run", run),
                *("--fold", FOLD, "--steps", str(self.steps), *seed),
            ],
            "generate": [
                *("generate", run, str(self.out / "generated")),
                *("--count", str(self.generate), *seed),
            ],
            "reconstruct": ["reconstruct", run, store, str(self.out / "rebuilt"), "--fold", FOLD],
            "evaluate": [
                *("evaluate", str(self.out / "generated"), "--real", store, "--fold", FOLD),
                *("--extractors", "random-resnet10", "--out", str(self.out / "evaluation"), *seed),
                *("--cache", str(self.out / "cache")),
            ],
        }

    def held_out(self) -> list[NDArray[np.float32]]:
        """The held-out phantoms as they were prepared, in [-1, 1]."""
        return self._prepared("held-out")

    def compare(self) -> Distances:
        """Distances of generated, untrained and training volumes from the held-out ones."""
        import numpy as np
        import torch

        from hagan.config.codec import from_json
        from hagan.config.training import RunConfig
        from hagan.evaluation.extractors import random_resnet10_extractor
        from hagan.evaluation.frechet import frechet_distance
        from hagan.models.build import build_model

        run = RunDir(self.out / "run")
        config = from_json(RunConfig, run.config.read_text(), where=str(run.config))
        held_out = self.held_out()
        # The distance depends on how many volumes enter it, so every set has as many.
        count = min(len(held_out), self.generate)
        torch.manual_seed(self.seed)
        model = build_model(config.model).eval()
        with torch.no_grad():
            untrained = [model.generate(model.draw_latents(1))[0, 0].numpy() for _ in range(count)]
        extractor = random_resnet10_extractor()

        def features(volumes: list[NDArray[np.float32]]) -> NDArray[np.float64]:
            return np.stack([extractor(volume) for volume in volumes[:count]])

        real = features(held_out)

        def distance(volumes: list[NDArray[np.float32]]) -> float:
            return frechet_distance(features(volumes), real)

        return Distances(
            trained=distance(self.generated()),
            untrained=distance(untrained),
            floor=distance(self._prepared("train")),
            count=count,
        )

    def generated(self) -> list[NDArray[np.float32]]:
        """The generated NIfTI files, read back and windowed as the store's scans were."""
        return self._read(sorted((self.out / "generated").glob("*.nii.gz")))

    def rebuilt(self) -> list[NDArray[np.float32]]:
        """The reconstructions of held-out phantoms."""
        return self._read(sorted((self.out / "rebuilt").glob("*rebuilt.nii.gz")))

    def _read(self, paths: list[Path]) -> list[NDArray[np.float32]]:
        from hagan.data.formats import read_scan
        from hagan.data.store import Store

        window = Store.open(self.out / "store").geometry.window
        return [window.window(read_scan(path).voxels) for path in paths]

    def _prepared(self, part: str) -> list[NDArray[np.float32]]:
        from hagan.data.dataset import Fold, VolumeDataset
        from hagan.data.store import Store

        store = Store.open(self.out / "store")
        dataset = VolumeDataset(store, Fold.parse(FOLD), part=part)  # type: ignore[arg-type]
        return [store.load(entry) for entry in dataset.entries]


@dataclass
class Stage:
    """A finished stage."""

    name: str
    seconds: float


@dataclass
class Stages:
    """Prints each stage with its command and its time."""

    console: Console
    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, command: list[str] | None = None) -> Iterator[None]:
        """Time what the block does."""
        self.console.print(f"\n== {name}")
        if command is not None:
            self.console.print(f"$ {shlex.join(['hagan', *command])}")
        began = time.perf_counter()
        yield
        self.done.append(Stage(name, time.perf_counter() - began))
        self.console.print(f"-- {name}: {self.done[-1].seconds:.1f} s")


def run_command(arguments: list[str]) -> None:
    """Run a command line in this process; a failed one ends the demo with its own error."""
    from hagan.cli.main import parse

    command = parse(arguments)
    run: Callable[[], int] = command.run
    if (code := run()) != 0:
        raise DemoFailedError(f"`hagan {shlex.join(arguments)}` ended with exit code {code}")
