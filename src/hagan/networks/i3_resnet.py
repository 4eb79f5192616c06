"""Inflated 3D ResNet-152: a 2D ResNet whose kernels were given a third axis (Carreira 2017).

The layout of the image tower of Merlin (Blankemeier et al. 2024) and of networks tuned from it.
Unlike MedicalNet's ResNets nothing is dilated, and the first convolution keeps the slices apart:
the output stride is 16 along z and 32 along x and y.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.networks.resnet import Bottleneck, convolved_shortcut
from hagan.types import Volumes

RESNET_152 = (3, 8, 36, 3)
"""Blocks of each stage."""

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Width and stride of the four stages."""


class I3ResNet(nn.Module):
    """Inflated ResNet with the head replaced by a global mean: 2048 features a volume.

    Attributes:
        num_features: Features a volume.
    """

    def __init__(self, num_blocks: Sequence[int] = RESNET_152) -> None:
        super().__init__()
        assert len(num_blocks) == len(STAGES), num_blocks
        self.conv1 = nn.Conv3d(3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        inputs = 64
        for number, ((width, stride), count) in enumerate(
            zip(STAGES, num_blocks, strict=True), start=1
        ):
            outputs = width * Bottleneck.expansion
            stage = nn.Sequential(
                Bottleneck(inputs, width, stride, 1, convolved_shortcut(inputs, outputs, stride)),
                *(Bottleneck(outputs, width, 1, 1, nn.Identity()) for _ in range(1, count)),
            )
            self.add_module(f"layer{number}", stage)
            inputs = outputs
        self.num_features = inputs

    def forward(self, volumes: Volumes) -> Float[Tensor, "b f"]:
        """Features [b, 2048] of volumes [b, 1, z, x, y] in [0, 1].

        Axes: z towards the head, x towards the patient's right, y towards the front.
        """
        # The 2D kernels that were inflated read colours; grey is the same in all three.
        colours = volumes.expand(-1, 3, -1, -1, -1)
        features = self.maxpool(torch.relu(self.bn1(self.conv1(colours))))
        for number in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{number}")(features)
        means: Tensor = features.mean(dim=(2, 3, 4))
        return means
