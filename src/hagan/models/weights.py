"""The weights file: safetensors that name the recipe, the step and the data they were made for."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hagan import __version__
from hagan.config.codec import from_plain, to_plain
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.data.files import atomic_path, sha256_of
from hagan.errors import BadInputError
from hagan.models.build import build_model
from hagan.models.gan import GAN

FORMAT = "hagan-weights-1"
METADATA_KEY = "hagan"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model ready for use, and what its file tells of it."""

    model: GAN[Any]
    """In evaluation mode; only the published modules have the file's weights."""
    config: RunConfig
    step: int
    geometry: dict[str, Any] | None
    """JSON form of the store's geometry; none for imported checkpoints."""
    sha256: str
    """Hash of the whole file."""
    path: Path


def published_tensors(model: GAN[Any]) -> dict[str, Tensor]:
    """The tensors that make and encode volumes, under the model's own names."""
    return {
        f"{name}.{key}": tensor
        for name, module in model.published().items()
        for key, tensor in module.state_dict().items()
    }


def save_weights(
    tensors: Mapping[str, Tensor],
    path: Path,
    *,
    config: RunConfig,
    step: int,
    geometry: Mapping[str, Any] | None,
) -> str:
    """Write a weights file, whole or not at all.

    Args:
        tensors: As `published_tensors` names them.
        path: The file.
        config: The run's recipe.
        step: Training steps behind the weights.
        geometry: JSON form of the data's geometry and window.

    Returns:
        The file's SHA-256.
    """
    facts = {
        "format": FORMAT,
        "hagan_version": __version__,
        "config": to_plain(config),
        "step": step,
        "geometry": geometry,
    }
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {METADATA_KEY: json.dumps(facts)}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(plain, temporary, metadata)
    return sha256_of(path)


def save_model(
    model: GAN[Any],
    path: Path,
    *,
    config: RunConfig,
    step: int,
    geometry: Mapping[str, Any] | None,
) -> str:
    """Write the model's published weights as they are; returns the file's SHA-256."""
    tensors = published_tensors(model)
    return save_weights(tensors, path, config=config, step=step, geometry=geometry)


def load_model(
    run_or_file: Path, device: str | torch.device = "cpu", *, only: Collection[str] | None = None
) -> Loaded:
    """Load a run's model, or a weights file's.

    Args:
        run_or_file: A run folder or a `.safetensors` file that `save_weights` wrote.
        device: Where the model goes.
        only: Published modules to load, such as the generator; all by default. The others, and
            those whose weights are in no file, stay without storage: they have shapes alone.

    Raises:
        BadInputError: No such file, or not one of ours, or its tensors do not fit its recipe.
    """
    path = RunDir(run_or_file).weights if run_or_file.is_dir() else run_or_file
    if not path.is_file():
        raise BadInputError(
            f"{run_or_file}: no weights at {path}; expected a run that has saved at least once"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA_KEY, "{}")
            names = list(file.keys())
        wanted = [n for n in names if only is None or n.partition(".")[0] in only]
        tensors = {name: _tensor(path, name, device) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise BadInputError(f"{path}: not a readable safetensors file ({error})") from error
    facts = _facts(metadata)
    if facts is None:
        raise BadInputError(
            f"{path}: not a weights file of hagan; released checkpoints go through "
            "`hagan import-official`"
        )
    config = from_plain(RunConfig, facts["config"], where=str(path))
    # Without storage, so that the file's tensors are held once, and nothing is drawn in vain.
    with torch.device("meta"):
        model = build_model(config.model)
    expected = published_tensors(model)
    if set(expected) != set(names) or any(
        expected[name].shape != tensor.shape for name, tensor in tensors.items()
    ):
        raise BadInputError(f"{path}: its tensors do not fit its own recipe; the file was edited")
    for name, module in model.published().items():
        if only is not None and name not in only:
            continue
        prefix = f"{name}."
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)},
            assign=True,
        )
    model.begin_step(facts["step"])
    return Loaded(
        model=model.eval().requires_grad_(False),
        config=config,
        step=facts["step"],
        geometry=facts["geometry"],
        sha256=sha256_of(path),
        path=path,
    )


def _tensor(path: Path, name: str, device: str | torch.device) -> Tensor:
    """One tensor of a file, in memory of its own.

    Pages of a mapped file count as held until it is closed, so that it is opened for each. A tensor
    within the mapping would not do: it lies at any address, and products of matrices round by it.
    """
    with safe_open(path, framework="pt", device=str(device)) as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor.clone()


def _facts(metadata: str) -> dict[str, Any] | None:
    """What `save_weights` wrote beside the tensors, or none if it did not write this."""
    try:
        facts = json.loads(metadata)
    except json.JSONDecodeError:
        return None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        return None
    complete = {"config", "step", "geometry"} <= set(facts) and isinstance(facts["step"], int)
    return facts if complete else None
