"""3D ResNets in MedicalNet's layout (Chen et al. 2019), which the paper takes features from.

The last two stages keep their resolution and dilate instead, so the output stride is 8; networks of
the same weights without the dilation give other features. Tensors are named as in MedicalNet's
files.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.types import FeatureMaps, Volumes

Depth: TypeAlias = Literal[10, 18, 34, 50]

STAGES = ((64, 1, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4))
"""Width, stride and dilation of the four stages."""

NUM_BLOCKS: dict[Depth, tuple[int, int, int, int]] = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
}
"""Blocks of each stage, by depth."""

PADDED_SHORTCUTS = (18, 34)
"""Depths whose shortcuts have no weights (type A); the others' are convolutions (type B)."""


class BasicBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions and a shortcut."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int, dilation: int, downsample: nn.Module
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            inputs, width, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.downsample = downsample

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features [b, inputs, d, h, w] to [b, width, ...]."""
        hidden = torch.relu(self.bn1(self.conv1(features)))
        return torch.relu(self.bn2(self.conv2(hidden)) + self.downsample(features))


class Bottleneck(nn.Module):
    """A 3 x 3 x 3 convolution, which holds stride and dilation, between two of 1 x 1 x 1."""

    expansion = 4

    def __init__(
        self, inputs: int, width: int, stride: int, dilation: int, downsample: nn.Module
    ) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(
            width, width, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outputs)
        self.downsample = downsample

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features [b, inputs, d, h, w] to [b, 4 * width, ...]."""
        hidden = torch.relu(self.bn1(self.conv1(features)))
        hidden = torch.relu(self.bn2(self.conv2(hidden)))
        return torch.relu(self.bn3(self.conv3(hidden)) + self.downsample(features))


class PaddedShortcut(nn.Module):
    """Shortcut without weights: every `stride`-th voxel, and channels of zeros."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.added = outputs - inputs

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features [b, inputs, d, h, w] to [b, outputs, ...]."""
        step = self.stride
        picked = features[:, :, ::step, ::step, ::step]
        return nn.functional.pad(picked, (0, 0, 0, 0, 0, 0, 0, self.added))


def convolved_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Shortcut with weights: a strided 1 x 1 x 1 convolution and its norm."""
    return nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))


class ResNet(nn.Module):
    """ResNet-10, 18, 34 or 50 with the head replaced by a global mean.

    Attributes:
        depth: Which of the four.
        num_features: Features a volume: 512, or 2048 for ResNet-50.
    """

    def __init__(self, depth: Depth) -> None:
        super().__init__()
        assert depth in get_args(Depth), depth
        self.depth = depth
        kind = Bottleneck if depth == 50 else BasicBlock
        shortcut = PaddedShortcut if depth in PADDED_SHORTCUTS else convolved_shortcut
        self.conv1 = nn.Conv3d(1, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        inputs = 64
        for number, (width, stride, dilation) in enumerate(STAGES, start=1):
            outputs = width * kind.expansion
            stage = nn.Sequential()
            for position in range(NUM_BLOCKS[depth][number - 1]):
                step = stride if position == 0 else 1
                downsample = (
                    shortcut(inputs, outputs, step)
                    if step != 1 or inputs != outputs
                    else nn.Identity()
                )
                stage.append(kind(inputs, width, step, dilation, downsample))
                inputs = outputs
            self.add_module(f"layer{number}", stage)
        self.num_features = inputs

    def forward(self, volumes: Volumes) -> Float[Tensor, "b f"]:
        """Features [b, num_features] of volumes [b, 1, d, h, w]."""
        features = self.maxpool(torch.relu(self.bn1(self.conv1(volumes))))
        for number in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{number}")(features)
        means: Tensor = features.mean(dim=(2, 3, 4))
        return means


class ResNet10(ResNet):
    """ResNet-10: 512 features a volume."""

    def __init__(self) -> None:
        super().__init__(10)
