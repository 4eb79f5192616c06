"""Checkpoints: atomic, hashed, and found again even after a kill in the middle of one.

A checkpoint is a safetensors file and, written last, a manifest with its SHA-256. A file without a
manifest, or whose hash differs, does not count.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hagan.data.files import atomic_path, sha256_of, write_bytes_atomically

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that training needs to go on as if it had not stopped."""

    step: int
    """Steps that are done."""
    tensors: dict[str, Tensor]
    facts: dict[str, Any]
    """Small values that are not tensors."""


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, keep: int) -> str:
    """Write a checkpoint, then remove all but the newest `keep`; returns its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"step-{checkpoint.step:08d}"
    plain = {key: t.detach().cpu().contiguous() for key, t in checkpoint.tensors.items()}
    weights = folder / f"{name}.safetensors"
    with atomic_path(weights) as temporary:
        save_file(plain, temporary)
    sha256 = sha256_of(weights)
    manifest = {"step": checkpoint.step, "sha256": sha256, "facts": checkpoint.facts}
    text = json.dumps(manifest, indent=2) + "\n"
    write_bytes_atomically(folder / f"{name}.json", text.encode())
    _prune(folder, keep)
    return sha256


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint whose hash is right, or none; damaged ones are named in the log."""
    for manifest in sorted(folder.glob("step-*.json"), reverse=True):
        weights = manifest.with_suffix(".safetensors")
        try:
            content = json.loads(manifest.read_text())
            if sha256_of(weights) != content["sha256"]:
                log.warning("%s: its hash is wrong; an older checkpoint is used", weights)
                continue
            tensors = load_file(weights)
            return Checkpoint(step=content["step"], tensors=tensors, facts=content["facts"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            log.warning("%s: not readable (%s); an older checkpoint is used", manifest, error)
    return None


def _prune(folder: Path, keep: int) -> None:
    """Manifests go first, so that no manifest is ever left without its file."""
    for manifest in sorted(folder.glob("step-*.json"), reverse=True)[keep:]:
        manifest.unlink(missing_ok=True)
    named = {manifest.stem for manifest in folder.glob("step-*.json")}
    for weights in folder.glob("step-*.safetensors"):
        if weights.stem not in named:
            weights.unlink(missing_ok=True)
    # What a kill left behind while a file was being written.
    for temporary in folder.glob(".*"):
        temporary.unlink(missing_ok=True)


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix/`, without it."""
    start = f"{prefix}/"
    return {k.removeprefix(start): t for k, t in tensors.items() if k.startswith(start)}


def named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with `prefix/` before their names."""
    return {f"{prefix}/{key}": tensor for key, tensor in tensors.items()}
