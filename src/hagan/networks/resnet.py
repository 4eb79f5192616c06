"""3D ResNet in MedicalNet's layout (Chen et al. 2019), which the paper takes features from.

The last two stages keep their resolution and dilate instead, so the output stride is 8; networks of
the same weights without the dilation give other features.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.types import FeatureMaps, Volumes

STAGES = ((64, 1, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4))
"""Channels, stride and dilation of the four stages."""


class BasicBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn1 = nn.BatchNorm3d(outputs)
        self.conv2 = nn.Conv3d(outputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm3d(outputs)
        self.downsample = (
            nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs)
            )
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, features: FeatureMaps) -> FeatureMaps:
        """Map features [b, inputs, d, h, w]."""
        hidden = torch.relu(self.bn1(self.conv1(features)))
        return torch.relu(self.bn2(self.conv2(hidden)) + self.downsample(features))


class ResNet10(nn.Module):
    """ResNet-10 with the head replaced by a global mean: 512 features a volume."""

    num_features = 512

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(1, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        inputs = 64
        for number, (outputs, stride, dilation) in enumerate(STAGES, start=1):
            block = BasicBlock(inputs, outputs, stride, dilation)
            self.add_module(f"layer{number}", nn.Sequential(block))
            inputs = outputs

    def forward(self, volumes: Volumes) -> Float[Tensor, "b f"]:
        """Features [b, 512] of volumes [b, 1, d, h, w] in [-1, 1]."""
        features = self.maxpool(torch.relu(self.bn1(self.conv1(volumes))))
        for number in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{number}")(features)
        means: Tensor = features.mean(dim=(2, 3, 4))
        return means
