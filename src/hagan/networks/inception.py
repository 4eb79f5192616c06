"""Inception v3 (Szegedy et al. 2016), the classifier of the Inception Score.

Tensors are named as in torchvision's files, so that these load; its auxiliary head serves training
only and is left out. For evaluation: there is no dropout.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

NUM_CLASSES = 1000
SIDE = 299
"""Side of the square images that the weights were trained for."""

AUXILIARY = "AuxLogits."
"""How the names of the tensors begin that only training needs."""

Maps: TypeAlias = Float[Tensor, "b _ _ _"]


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, features: Maps) -> Maps:
        """Map [b, inputs, h, w] to [b, outputs, ...]."""
        return torch.relu(self.bn(self.conv(features)))


def wide(inputs: int, outputs: int, length: int) -> ConvUnit:
    """A kernel of one row that keeps the size."""
    return ConvUnit(inputs, outputs, (1, length), padding=(0, length // 2))


def tall(inputs: int, outputs: int, length: int) -> ConvUnit:
    """A kernel of one column that keeps the size."""
    return ConvUnit(inputs, outputs, (length, 1), padding=(length // 2, 0))


def mean_pool(features: Maps) -> Maps:
    """3 x 3 mean at every pixel; the border counts as zeros."""
    return nn.functional.avg_pool2d(features, 3, stride=1, padding=1)


def half_pool(features: Maps) -> Maps:
    """3 x 3 maximum at every second pixel."""
    return nn.functional.max_pool2d(features, 3, stride=2)


class MixedA(nn.Module):
    """Branches of 1 x 1, 5 x 5 and two 3 x 3 kernels, at 35 x 35 pixels."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvUnit(inputs, 64, 1)
        self.branch5x5_1 = ConvUnit(inputs, 48, 1)
        self.branch5x5_2 = ConvUnit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvUnit(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvUnit(96, 96, 3, padding=1)
        self.branch_pool = ConvUnit(inputs, pooled, 1)

    def forward(self, features: Maps) -> Maps:
        """Map [b, inputs, h, w] to [b, 224 + pooled, h, w]."""
        branches = (
            self.branch1x1(features),
            self.branch5x5_2(self.branch5x5_1(features)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(features))),
            self.branch_pool(mean_pool(features)),
        )
        return torch.cat(branches, dim=1)


class MixedB(nn.Module):
    """From 35 x 35 pixels to 17 x 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = ConvUnit(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvUnit(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvUnit(96, 96, 3, stride=2)

    def forward(self, features: Maps) -> Maps:
        """Map [b, inputs, h, w] to [b, 480 + inputs, ...]."""
        branches = (
            self.branch3x3(features),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(features))),
            half_pool(features),
        )
        return torch.cat(branches, dim=1)


class MixedC(nn.Module):
    """Branches of 7 x 7 kernels made of rows and columns, at 17 x 17 pixels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch1x1 = ConvUnit(768, 192, 1)
        self.branch7x7_1 = ConvUnit(768, width, 1)
        self.branch7x7_2 = wide(width, width, 7)
        self.branch7x7_3 = tall(width, 192, 7)
        self.branch7x7dbl_1 = ConvUnit(768, width, 1)
        self.branch7x7dbl_2 = tall(width, width, 7)
        self.branch7x7dbl_3 = wide(width, width, 7)
        self.branch7x7dbl_4 = tall(width, width, 7)
        self.branch7x7dbl_5 = wide(width, 192, 7)
        self.branch_pool = ConvUnit(768, 192, 1)

    def forward(self, features: Maps) -> Maps:
        """Map [b, 768, h, w] to [b, 768, h, w]."""
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(features)))
        branches = (
            self.branch1x1(features),
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(features))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(twice)),
            self.branch_pool(mean_pool(features)),
        )
        return torch.cat(branches, dim=1)


class MixedD(nn.Module):
    """From 17 x 17 pixels to 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = ConvUnit(768, 192, 1)
        self.branch3x3_2 = ConvUnit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvUnit(768, 192, 1)
        self.branch7x7x3_2 = wide(192, 192, 7)
        self.branch7x7x3_3 = tall(192, 192, 7)
        self.branch7x7x3_4 = ConvUnit(192, 192, 3, stride=2)

    def forward(self, features: Maps) -> Maps:
        """Map [b, 768, h, w] to [b, 1280, ...]."""
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(features)))
        branches = (
            self.branch3x3_2(self.branch3x3_1(features)),
            self.branch7x7x3_4(seven),
            half_pool(features),
        )
        return torch.cat(branches, dim=1)


class MixedE(nn.Module):
    """Branches that end in a row and a column side by side, at 8 x 8 pixels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch1x1 = ConvUnit(inputs, 320, 1)
        self.branch3x3_1 = ConvUnit(inputs, 384, 1)
        self.branch3x3_2a = wide(384, 384, 3)
        self.branch3x3_2b = tall(384, 384, 3)
        self.branch3x3dbl_1 = ConvUnit(inputs, 448, 1)
        self.branch3x3dbl_2 = ConvUnit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = wide(384, 384, 3)
        self.branch3x3dbl_3b = tall(384, 384, 3)
        self.branch_pool = ConvUnit(inputs, 192, 1)

    def forward(self, features: Maps) -> Maps:
        """Map [b, inputs, h, w] to [b, 2048, h, w]."""
        once = self.branch3x3_1(features)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(features))
        branches = (
            *(self.branch1x1(features), self.branch3x3_2a(once), self.branch3x3_2b(once)),
            *(self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)),
            self.branch_pool(mean_pool(features)),
        )
        return torch.cat(branches, dim=1)


class InceptionV3(nn.Module):
    """Logits of the 1,000 ImageNet classes."""

    num_classes = NUM_CLASSES
    side = SIDE

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvUnit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3)
        self.Mixed_5b = MixedA(192, 32)
        self.Mixed_5c = MixedA(256, 64)
        self.Mixed_5d = MixedA(288, 64)
        self.Mixed_6a = MixedB(288)
        self.Mixed_6b = MixedC(128)
        self.Mixed_6c = MixedC(160)
        self.Mixed_6d = MixedC(160)
        self.Mixed_6e = MixedC(192)
        self.Mixed_7a = MixedD()
        self.Mixed_7b = MixedE(1280)
        self.Mixed_7c = MixedE(2048)
        self.fc = nn.Linear(2048, NUM_CLASSES)

    def forward(self, images: Float[Tensor, "b 3 _ _"]) -> Float[Tensor, "b _"]:
        """Logits [b, 1000] of images [b, 3, 299, 299], colours in [-1, 1]."""
        features = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        features = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(half_pool(features)))
        features = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(half_pool(features))))
        features = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(features)))
        features = self.Mixed_6e(self.Mixed_6d(features))
        features = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(features)))
        logits: Tensor = self.fc(torch.mean(features, dim=(2, 3)))
        return logits
