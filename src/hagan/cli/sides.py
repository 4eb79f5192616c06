"""The sides of an evaluation: what a path is, and how its volumes are read or made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from hagan.config.run_dir import RunDir
from hagan.data.dataset import Fold
from hagan.data.placement import Geometry
from hagan.data.store import INDEX, Store
from hagan.errors import BadInputError, UsageError
from hagan.evaluation.folders import FolderSource, count_of
from hagan.evaluation.sets import VolumeSet, Voxels
from hagan.evaluation.sources import Grid, Source, StoreSource, on_grid

if TYPE_CHECKING:
    from hagan.inference.sampler import Sampler

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Given what is read and how many, a block that yields what to call after each."""


class RunSource(Source):
    """A trained model, which makes as many volumes as are asked for."""

    kind = "run"

    def __init__(self, path: Path, sampler: Sampler, count: int, seed: int) -> None:
        """Take volumes 0 to `count - 1` of a seed."""
        self.path = path
        self.sampler = sampler
        self.count = count
        self.seed = seed

    @property
    def shapes(self) -> Counter[tuple[int, int, int]]:
        """The model's one shape."""
        return Counter({self.sampler.loaded.model.volume_shape: self.count})

    @property
    def geometry(self) -> Geometry | None:
        """What the model knows of its data."""
        return self.sampler.geometry

    def volumes(self, name: str, grid: Grid) -> VolumeSet:
        """The generated volumes."""
        return GeneratedSet(name, self, grid)


class GeneratedSet(VolumeSet):
    """Volumes of a model, each made when it is asked for; classes take turns."""

    def __init__(self, name: str, source: RunSource, grid: Grid) -> None:
        self.name = name
        self.source = source
        self.grid = grid
        self.subjects = [f"{source.path.name}-{i}" for i in range(source.count)]
        self.shape = grid.shape

    def volume(self, index: int) -> Voxels:
        """Volume number `index`, the same that `hagan generate` writes."""
        sampler = self.source.sampler
        classes = sampler.loaded.model.num_classes
        label = index % classes if classes else None
        made = sampler.sample(index, seed=self.source.seed, label=label).voxels
        if sampler.geometry is not None:
            made = sampler.geometry.window.window(made)
        return on_grid(made, self.grid)


def is_run(path: Path) -> bool:
    """Whether a path is a run's folder or a weights file."""
    return path.suffix == ".safetensors" or RunDir(path).config.is_file()


def open_side(path: Path, progress: Progress) -> Source:
    """Open a store or a folder of scans; runs are opened by `open_run`.

    Raises:
        BadInputError: There is nothing, or nothing that can be judged.
        UsageError: A run was named where real volumes belong.
    """
    if is_run(path):
        raise UsageError(f"{path} is a run; name real volumes: a store or a folder of scans")
    if (path / INDEX).is_file():
        return StoreSource(Store.open(path))
    if path.suffix == ".npz":
        raise UsageError(f"{path} holds features; give feature files for both sides")
    with progress(f"reading {path}", count_of(path)) as tick:
        return FolderSource.survey(path, tick)


def open_run(path: Path, count: int, seed: int, device: str, processes: int = 1) -> RunSource:
    """Open a run; `processes` of them share a CPU's memory.

    Raises:
        BadInputError: It has no weights.
    """
    from hagan.inference.sampler import Sampler

    sampler = Sampler.from_run(path, device, processes=processes, encodes=False)
    return RunSource(path, sampler, count, seed)


def held_back(path: Path, real: Path) -> str | None:
    """What a run held back of the very store that it is compared with.

    Returns:
        The fold, such as `0/5`; `nothing` if it was trained on all; None for another store.

    Raises:
        BadInputError: The run's files cannot be read.
    """
    import json

    from hagan.config.codec import from_json
    from hagan.config.training import RunConfig

    run = RunDir(path)
    inputs = path / "inputs.json"
    if not (run.config.is_file() and inputs.is_file()):
        return None
    try:
        store = Path(json.loads(inputs.read_text())["store"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{inputs}: not readable ({error!r})") from error
    if store.resolve() != real.resolve():
        return None
    return from_json(RunConfig, run.config.read_text(), where=str(run.config)).fold or "nothing"


def split_by_fold(source: Source, fold: str) -> tuple[Source, Source]:
    """The held-out and the training part of a store.

    Raises:
        UsageError: Not a store.
        BadInputError: A part is empty.
    """
    if not isinstance(source, StoreSource):
        raise UsageError("--fold needs a store as --real; for folders name the other with --train")
    return StoreSource.folds(source.store, Fold.parse(fold))
