"""A generator as ONNX, checked against onnxruntime before it counts as written (extra `onnx`)."""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hagan.data.files import atomic_path
from hagan.errors import UsageError
from hagan.models.gan import GAN
from hagan.models.weights import Loaded
from hagan.types import Latents

TOLERANCE = 1e-3
"""Largest difference of an intensity in [-1, 1]: above the rounding of another order of sums,
which grows with the layers, and a tenth of what 8 bits can show."""

CHECKED_VOLUMES = 3


class _Generate(nn.Module):
    """`generate` as a module with one positional input each."""

    def __init__(self, model: GAN[Any]) -> None:
        super().__init__()
        self.model = model

    def forward(self, latents: Latents, labels: Tensor | None = None) -> Tensor:
        """Volumes [1, 1, d, h, w] of latents [1, z] and, if conditional, labels [1, k]."""
        return self.model.generate(latents, labels)


def export_onnx(loaded: Loaded, path: Path) -> float:
    """Write the generator as ONNX: latents [1, z], labels [1, k] if conditional, to volumes.

    The volume [1, 1, d, h, w] is in [-1, 1], as `generate` gives it. The file's metadata hold the
    recipe, the data's geometry and window, and the hash of the weights.

    Args:
        loaded: A model on the CPU with its generator's weights.
        path: A file that ends in .onnx.

    Returns:
        The largest difference from `generate` over fresh latents.

    Raises:
        UsageError: onnx is absent, the model cannot be written as ONNX, or what onnxruntime
            computes is another volume.
        DiskError: The file cannot be written.
    """
    try:
        for name in ("onnx", "onnxscript", "onnxruntime"):
            importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"ONNX needs an extra: pip install 'hagan[onnx]' ({error})") from error
    model = loaded.model
    inputs = _inputs(model, 1)
    names = ["latents", "labels"][: len(inputs)]
    try:
        with _quiet():
            program = torch.onnx.export(
                _Generate(model),
                tuple(inputs),
                dynamo=True,
                external_data=False,
                input_names=names,
                output_names=["volumes"],
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        kind = type(model).__name__
        reason = str(error).strip().splitlines()[0][:160]
        raise UsageError(f"{kind} cannot be written as ONNX: {reason}") from error
    assert program is not None
    program.model.metadata_props.update(_metadata(loaded))
    with atomic_path(path) as temporary:
        program.save(temporary)
        apart = _difference(model, temporary, names)
        if not apart <= TOLERANCE:
            raise UsageError(
                f"{path}: onnxruntime's volumes differ by {apart:.3g} from hagan's; nothing written"
            )
    return apart


def _inputs(model: GAN[Any], seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = [torch.randn(1, model.latent_dim, generator=generator)]
    if model.label_dim:
        labels = torch.randn(1, model.label_dim, generator=generator)
        if model.num_classes:
            classes = torch.eye(model.num_classes)
            labels[0, : model.num_classes] = classes[seed % model.num_classes]
        inputs.append(labels)
    return inputs


def _difference(model: GAN[Any], path: Path, names: list[str]) -> float:
    session = importlib.import_module("onnxruntime").InferenceSession(
        path.read_bytes(), providers=["CPUExecutionProvider"]
    )
    apart = []
    for seed in range(2, 2 + CHECKED_VOLUMES):
        inputs = _inputs(model, seed)
        given = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
        found = session.run(None, given)[0]
        with torch.no_grad():
            expected = model.generate(*inputs).numpy()
        apart.append(float(np.abs(found - expected).max()))
    return max(apart)


def _metadata(loaded: Loaded) -> dict[str, str]:
    return {
        "hagan.recipe": loaded.config.name,
        "hagan.step": str(loaded.step),
        "hagan.weights_sha256": loaded.sha256,
        "hagan.geometry": json.dumps(loaded.geometry),
        "hagan.notice": "volumes are synthetic; not for clinical use",
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Torch's exporter tells of its own parts' deprecations and of torchvision's absence."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
