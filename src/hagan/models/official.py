"""Checkpoints of the authors' released code: their names to ours, read without running anything.

A released checkpoint is one file a network, a dict `{"model": state_dict, "optimizer": ...}`; keys
may begin with `module.` where the training ran on several GPUs. Sides 128 and 256 exist.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.errors import BadInputError, UnsafeFileError, UsageError
from hagan.models.ha_gan import HAGAN

NETWORKS = ("generator", "discriminator", "encoder.high", "encoder.ground")
"""The four networks, in the order of the released G, D, E and Sub_E."""

UNUSED = ("bn7.weight", "bn7.bias")
"""Names that some generator files hold and no forward pass uses."""

ZIP_MAGIC = b"PK\x03\x04"
IMPORTING = ("GLOBAL", "STACK_GLOBAL", "INST")
"""Opcodes with which a pickle imports what it then calls."""

DAMAGED = (
    *(pickle.UnpicklingError, BadZipFile, OSError, EOFError, RuntimeError, ValueError),
    *(KeyError, IndexError, TypeError, AttributeError, AssertionError),
    *(struct.error, zlib.error, OverflowError),
)
"""What torch raises for files that are unsafe, damaged or of another kind."""


@dataclass(frozen=True, kw_only=True)
class OfficialFiles:
    """The released files of one model; only the generator's is needed."""

    generator: Path
    discriminator: Path | None = None
    encoder: Path | None = None
    sub_encoder: Path | None = None


def official_names(config: HAGANConfig, network: str) -> dict[str, str]:
    """Our tensor names to the released ones, for one of `NETWORKS`.

    Args:
        config: The model; its side is 128 or 256.
        network: One of `NETWORKS`; both sides' names are relative to it.
    """
    if config.volume_shape not in ((128, 128, 128), (256, 256, 256)):
        raise UsageError(f"no released checkpoint has volume shape {config.volume_shape}")
    skipped = 4 - config.num_doublings
    makers = {
        "generator": _generator_names,
        "discriminator": _discriminator_names,
        "encoder.high": _high_encoder_names,
        "encoder.ground": _ground_encoder_names,
    }
    return makers[network](skipped, config.num_classes > 0)


def _layer(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")}


def _spectral_layer(ours: str, theirs: str) -> dict[str, str]:
    return {
        f"{ours}.parametrizations.weight.original": f"{theirs}.weight",
        f"{ours}.parametrizations.weight.0.u": f"{theirs}.u0",
        f"{ours}.bias": f"{theirs}.bias",
    }


def _generator_names(_skipped: int, _conditional: bool) -> dict[str, str]:
    names = _layer("common.fc", "fc1")
    for layer in range(5):
        names |= _layer(f"common.convs.{layer}", f"tp_conv{layer + 1}")
        names |= _layer(f"common.acts.{layer}.norm", f"bn{layer + 1}")
    names |= _layer("high.convs.0", "tp_conv6") | _layer("high.acts.0.norm", "bn6")
    names |= _layer("high.convs.1", "tp_conv7")
    for layer in range(2):
        names |= _layer(f"low.blocks.{layer}.conv", f"sub_G.tp_conv{layer + 1}")
        names |= _layer(f"low.blocks.{layer}.act.norm", f"sub_G.bn{layer + 1}")
    return names | _layer("low.last", "sub_G.tp_conv3")


def _discriminator_names(skipped: int, conditional: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for layer in range(7 - skipped):
        names |= _spectral_layer(f"high.convs.{layer}", f"conv{layer + 1 + skipped}")
    names |= _spectral_layer("high.fc", "fc1") | _spectral_layer("high.logit", "fc2")
    if conditional:
        names |= _spectral_layer("high.classes", "fc2_class")
    for layer in range(4 - skipped):
        names |= _spectral_layer(f"low.convs.{layer}", f"sub_D.conv{layer + 1 + skipped}")
    return names | _spectral_layer("low.last", "sub_D.conv5")


def _high_encoder_names(_skipped: int, _conditional: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for layer in range(3):
        names |= _layer(f"blocks.{layer}.conv", f"conv{layer + 1}")
        names |= _layer(f"blocks.{layer}.act.norm", f"bn{layer + 1}")
    return names


def _ground_encoder_names(skipped: int, _conditional: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for layer in range(4 - skipped):
        names |= _layer(f"blocks.{layer}.conv", f"conv{layer + 1 + skipped}")
        names |= _layer(f"blocks.{layer}.act.norm", f"bn{layer + 1 + skipped}")
    return names | _layer("last", "conv5")


def read_official(path: Path) -> dict[str, Tensor]:
    """State dict of a released file, `module.` prefixes taken off; nothing in the file is run.

    Raises:
        UnsafeFileError: The file asks for anything but tensors and plain containers.
        BadInputError: The file cannot be read, or holds no state dict.
    """
    try:
        with warnings.catch_warnings():
            # Torch remarks on protocols that its own files never have; such a file is refused.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            # weights_only refuses every global but torch's own tensor rebuilders.
            content = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        # Of damaged files too, torch says that they are unsafe and how to load them regardless.
        if isinstance(error, pickle.UnpicklingError) and _imports(path):
            raise UnsafeFileError(
                f"{path}: refused, since it asks for more than tensors and loading it could run "
                "code; nothing in it was run. Get the file from the authors again"
            ) from error
        reason = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
        if isinstance(error, (pickle.UnpicklingError, KeyError)):
            reason = "no torch file, or a damaged one"
        raise BadInputError(
            f"{path}: not a readable torch checkpoint ({reason}); "
            "expected a file saved by the released training code"
        ) from error
    state = content.get("model", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BadInputError(f"{path}: holds no state dict; expected {{'model': state_dict, ...}}")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _imports(path: Path) -> bool:
    """Whether a file that was refused names anything to import; nothing in it is run."""
    with path.open("rb") as file:
        if file.read(4) == ZIP_MAGIC:
            return True
        file.seek(0)
        try:
            # Files of before torch 1.6 are several pickles, then the tensors' bytes.
            while file.peek(1):
                for opcode, argument, _ in pickletools.genops(file):
                    named = re.fullmatch(r"[\w.]+ [\w.]+", str(argument))
                    if opcode.name in IMPORTING and (named or opcode.name == "STACK_GLOBAL"):
                        return True
        except ValueError:
            return False
    return False


def side_of(discriminator: Path | None, sub_encoder: Path | None) -> int | None:
    """Side of the volumes of released files; none where nothing tells.

    Generators of both sides have the same names and shapes. D and Sub_E of side 128 begin at
    `conv2`.
    """
    for path in (discriminator, sub_encoder):
        if path is not None:
            return 256 if "conv1.weight" in read_official(path) else 128
    return None


def translate(
    config: HAGANConfig, network: str, state: Mapping[str, Tensor], source: str
) -> dict[str, Tensor]:
    """Tensors under our names, from tensors under the released ones.

    Raises:
        BadInputError: A tensor is missing or unknown.
    """
    names = official_names(config, network)
    missing = sorted(set(names.values()) - set(state))
    known = {*names.values(), *UNUSED}
    unknown = sorted(n for n in set(state) - known if not n.endswith(".sv0"))
    if missing or unknown:
        raise BadInputError(
            f"{source}: not a released {network} of side {config.volume_shape[0]}: "
            f"missing {missing[:3] or 'none'}, unknown {unknown[:3] or 'none'}"
        )
    return {ours: state[theirs] for ours, theirs in names.items()}


def config_of(
    recipe: HAGANConfig,
    generator: Mapping[str, Tensor],
    encoder: Mapping[str, Tensor] | None,
    discriminator: Mapping[str, Tensor] | None,
    *,
    source: str,
) -> HAGANConfig:
    """The recipe with what the tensors' shapes tell of latent dimension, width and classes.

    A conditional generator's first layer takes latent and classes together; only D or E say where
    one ends, so without them it is read as unconditional with the paper's 1,024 or 1,000.

    Raises:
        BadInputError: The first layer's shape fits no released model.
    """
    for name in ("fc1.weight", "tp_conv6.weight"):
        if name not in generator or generator[name].ndim < 2:
            raise BadInputError(f"{source}: not a released generator, {name} is missing")
    inputs = int(generator["fc1.weight"].shape[1])
    num_classes = 0
    if discriminator is not None and "fc2_class.weight" in discriminator:
        num_classes = int(discriminator["fc2_class.weight"].shape[0])
    elif encoder is not None and "conv5.weight" in encoder:
        num_classes = inputs - int(encoder["conv5.weight"].shape[0])
    elif inputs > 1024:
        num_classes = inputs - 1024
    try:
        return replace(
            recipe,
            latent_dim=inputs - num_classes,
            width=int(generator["tp_conv6.weight"].shape[1]),
            num_classes=num_classes,
            encoder=encoder is not None,
        )
    except UsageError as error:
        raise BadInputError(f"{source}: fits no released model ({error})") from error


def import_official(files: OfficialFiles, recipe: HAGANConfig) -> HAGAN:
    """A HA-GAN with the released weights.

    Args:
        files: The released files; the encoder needs both of its files.
        recipe: The `official` recipe of the side that was trained.

    Raises:
        UnsafeFileError: A file could run code.
        BadInputError: A file is unreadable or of another network or side.
        UsageError: Only one of the encoder's two files was given.
    """
    if (files.encoder is None) != (files.sub_encoder is None):
        raise UsageError("the encoder is two files: give both E and Sub_E, or neither")
    paths = dict(
        zip(
            NETWORKS,
            (files.generator, files.discriminator, files.encoder, files.sub_encoder),
            strict=True,
        )
    )
    states = {name: read_official(path) for name, path in paths.items() if path is not None}
    config = config_of(
        recipe,
        states["generator"],
        states.get("encoder.ground"),
        states.get("discriminator"),
        source=str(files.generator),
    )
    model = HAGAN(config)
    for network, state in states.items():
        source = str(paths[network])
        ours = translate(config, network, state, source)
        try:
            model.get_submodule(network).load_state_dict(ours)
        except RuntimeError as error:
            raise BadInputError(
                f"{source}: shapes do not fit a released {network} of side "
                f"{config.volume_shape[0]} ({str(error).splitlines()[-1].strip()})"
            ) from error
    return model
