"""New volumes of a run on demand: a drawn code, moved along directions, decoded."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hagan.app.found import FoundDirection, FoundRun, FoundVolume
from hagan.app.library import Library
from hagan.app.volumes import Volumes, one_line
from hagan.config.run_dir import RunDir
from hagan.data.files import sha256_of
from hagan.data.volume import Volume
from hagan.errors import BadInputError, HaganError, UsageError
from hagan.inference.latent_space import Along, Direction, moved
from hagan.inference.sampler import Sampler

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Wish:
    """A volume that is asked for.

    Attributes:
        run: Id of the run.
        weights: SHA-256 of its weights when they were asked for.
        seed: Of the series.
        index: Number in the series.
        label: Class of a conditional model.
        moves: Ids of directions and the values that the code is to have along them.
        along: How the code moves.
    """

    run: str
    weights: str
    seed: int
    index: int
    label: int | None = None
    moves: tuple[tuple[str, float], ...] = ()
    along: Along = "data"

    @property
    def name(self) -> str:
        """The same for the same wish alone."""
        return repr(self)


class Workshop:
    """Makes volumes of the runs in a library, one at a time."""

    def __init__(self, library: Library, volumes: Volumes, device: str = "cpu") -> None:
        self.library = library
        self.volumes = volumes
        self.device = device
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self._sampler: Sampler | None = None
        self._lock = threading.Lock()

    def weights_of(self, run: FoundRun) -> tuple[Path, str]:
        """A run's weights file and its SHA-256.

        Raises:
            BadInputError: The run has saved none yet.
            UnsafeFileError: They lie behind a link that leaves the folder.
        """
        path = RunDir(run.path).weights if run.path.is_dir() else run.path
        try:
            found = self.library.root.checked(path).stat()
            key = (path, found.st_mtime_ns, found.st_size)
            if key not in self._hashes:
                self._hashes[key] = sha256_of(path)
        except OSError as error:
            raise BadInputError(f"{run.name} has saved no weights yet") from error
        return path, self._hashes[key]

    def directions_of(self, weights: str) -> list[dict[str, Any]]:
        """The directions that were fitted for a run's weights, as a page shows them."""
        shown = []
        for found in self.library.findings.directions:
            try:
                direction = Direction.load(found.path)
            except HaganError as error:
                shown.append({"id": found.id, "name": found.name, "error": one_line(error)})
                continue
            if direction.weights_sha256 == weights:
                shown.append(_described(found, direction))
        return shown

    def predictions(self, wish: Wish) -> dict[str, float]:
        """What each direction says of the code that a wish begins with, by the direction's id."""
        sampler = self._loaded(wish)
        code = sampler.latents(wish.index, seed=wish.seed).double().cpu().numpy()
        return {
            found.id: float(direction.predict(code)[0])
            for found, direction in self._directions(sampler.loaded.sha256)
        }

    def make(self, wish: Wish) -> str:
        """Make a volume and put it into the library; returns its id.

        Raises:
            HaganError: It cannot be made; one line.
        """
        found = FoundVolume(
            self.library.root.id_of("made", wish.name),
            f"seed {wish.seed}, number {wish.index}",
            "fake",
            self._told(wish),
            read=lambda: self.volume(wish),
            version=lambda: wish.weights,
        )
        self.volumes.put(found, self.volume(wish))
        self.library.add_made(found)
        return found.id

    def volume(self, wish: Wish) -> Volume:
        """The volume that is wished for.

        Raises:
            HaganError: It cannot be made; one line.
        """
        with self._lock:
            sampler = self._loaded(wish)
            code = sampler.latents(wish.index, seed=wish.seed).double().cpu().numpy()
            held: list[Direction] = []
            for key, value in wish.moves:
                direction = Direction.load(self.library.direction(key).path)
                code = moved(code, direction, value, held=held, along=wish.along)
                # Those before keep what they were given, so that in the end all have it.
                held.append(direction)
            tensor = torch.from_numpy(code.astype(np.float32)).to(sampler.device)
            with torch.no_grad():
                conditions = sampler.conditions(wish.index, seed=wish.seed, label=wish.label)
                return sampler.decode(tensor, wish.label, conditions)

    def _loaded(self, wish: Wish) -> Sampler:
        """The sampler of a wish's run; the last one is kept."""
        path, sha256 = self.weights_of(self.library.run(wish.run))
        if sha256 != wish.weights:
            raise BadInputError("the run has saved newer weights; draw a new sample")
        if self._sampler is None or self._sampler.loaded.sha256 != sha256:
            self._sampler = None
            self._sampler = Sampler.from_run(path, self.device, encodes=False)
        return self._sampler

    def _directions(self, weights: str) -> list[tuple[FoundDirection, Direction]]:
        ids = {shown["id"] for shown in self.directions_of(weights) if "error" not in shown}
        found = [item for item in self.library.findings.directions if item.id in ids]
        return [(item, Direction.load(item.path)) for item in found]

    def _told(self, wish: Wish) -> str:
        moves = [
            f"{Direction.load(self.library.direction(key).path).target} {value:.4g}"
            for key, value in wish.moves
        ]
        return ", ".join(moves)


def wish_of(run: str, weights: str, content: object) -> Wish:
    """A wish from the JSON that a page sent.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(content, dict):
        raise UsageError("a sample is asked for with a JSON object")
    label, moves = content.get("label"), content.get("moves", {})
    along = content.get("along", "data")
    if along not in ("data", "weights"):
        raise UsageError("codes move along data or weights")
    if label is not None:
        label = _whole(label, "label")
    if not isinstance(moves, dict) or len(moves) > 16:
        raise UsageError("moves are an object of at most 16 directions and values")
    pairs = [(str(key), _number(value)) for key, value in sorted(moves.items())]
    seed, index = (_whole(content.get(name, 0), name) for name in ("seed", "index"))
    return Wish(run, weights, seed, index, label, tuple(pairs), along)


def facts_of(path: Path) -> dict[str, Any]:
    """Recipe, step and classes of a weights file, without its tensors.

    Raises:
        BadInputError: It is not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    from hagan.models.weights import METADATA_KEY

    try:
        with safe_open(path, framework="pt") as file:
            held = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
        config, geometry = held["config"], held.get("geometry") or {}
        classes = int(config["model"].get("num_classes", 0))
        return {
            "recipe": str(config["name"]),
            "step": int(held["step"]),
            "classes": list(geometry.get("class_names", ())) or [str(n) for n in range(classes)],
        }
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path.name}: not weights of hagan") from error


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise UsageError(f"{name} is a whole number from 0 to {LARGEST_SEED}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise UsageError("the value along a direction is a number")
    return float(value)


def _described(found: FoundDirection, direction: Direction) -> dict[str, Any]:
    quantiles: Sequence[float] = direction.quantiles
    low, high = quantiles[0], quantiles[-1]
    return {
        "id": found.id,
        "name": found.name,
        "target": direction.target,
        "unit": direction.unit,
        "low": low - 0.25 * (high - low),
        "high": high + 0.25 * (high - low),
        "quantiles": list(quantiles),
        "facts": {k: v for k, v in direction.facts.items() if isinstance(v, int | float | str)},
    }
