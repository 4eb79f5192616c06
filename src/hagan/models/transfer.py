"""A new model that begins with the published weights of another: generator and encoder."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from hagan.config.ha_gan import HAGANConfig
from hagan.config.models import ModelConfig
from hagan.errors import BadInputError, UnsafeFileError, UsageError
from hagan.models.gan import GAN
from hagan.models.weights import Loaded, load_model

OF_PUBLISHED = (
    *("volume_shape", "latent_dim", "width", "generator_widening", "stem", "num_classes"),
    *("high_doublings", "high_norm", "common_norm", "low_branch", "encoder", "noise"),
    *("conditions", "template", "low_skip"),
)
"""Settings of HA-GAN that say what its generator and encoder are; the others say how they learn."""

ZIP_MAGIC = b"PK\x03\x04"
PICKLE_PROTOCOLS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))


def open_source(run_or_file: Path) -> Loaded:
    """Weights to begin with, on the CPU: a run's weights for use, or a weights file.

    Raises:
        UnsafeFileError: A pickle, such as torch saves; it could run code, and nothing reads it.
        BadInputError: No such file, or not one of ours.
    """
    try:
        return load_model(run_or_file)
    except BadInputError as error:
        if run_or_file.is_file() and _is_pickle(run_or_file):
            raise UnsafeFileError(
                f"{run_or_file}: refused, since loading a pickle could run code; nothing in it was "
                "run. Give a run or its weights/model.safetensors; files of the released code go "
                "through `hagan import-official` first"
            ) from error
        raise


def begin_with(model: GAN[Any], config: ModelConfig, source: Loaded) -> None:
    """Put a source's published weights into a model; all else of it stays as it was drawn.

    Args:
        model: Freshly built from `config`.
        config: The model's configuration.
        source: As `open_source` gives it.

    Raises:
        UsageError: The two differ in what is published; the first setting is named.
    """
    difference = first_difference(source.config.model, config)
    if difference is not None:
        raise UsageError(
            f"{source.path} cannot be started from: {difference}. Generator and encoder must be "
            "the same; take the source's recipe, with --set where it differs"
        )
    theirs = source.model.published()
    for name, module in model.published().items():
        module.load_state_dict(theirs[name].state_dict())


def first_difference(source: ModelConfig, target: ModelConfig) -> str | None:
    """The first setting that keeps published weights of one model out of another, in words.

    For HA-GAN those of generator and encoder count; for the other models all of them.
    """
    if type(source) is not type(target):
        return f"it is of {type(source).__name__}, this recipe of {type(target).__name__}"
    names = [field.name for field in fields(target)]
    for name in OF_PUBLISHED if isinstance(target, HAGANConfig) else names:
        there, here = getattr(source, name), getattr(target, name)
        if there != here:
            return f"model.{name} is {_told(there)} there and {_told(here)} here"
    return None


def _told(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    return start == ZIP_MAGIC or start.startswith(PICKLE_PROTOCOLS)
