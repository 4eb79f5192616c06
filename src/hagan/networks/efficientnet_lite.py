"""EfficientNet-Lite0 (Tan and Le 2019; Liu 2020), a small ImageNet classifier.

Lite means ReLU6 for swish and no squeeze-and-excitation. Tensors are named as in the published
PyTorch weights. These were converted from TensorFlow, whose padding of strided convolutions is
lopsided; symmetric padding loads as well and gives other logits.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
NUM_CLASSES = 1000
SIDE = 224
"""Side of the square images that the weights were trained for."""

STAGES = (
    *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
    *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
)
"""Blocks, kernel, stride, expansion and output channels of the seven stages."""


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's `SAME` padding: the odd pixel goes below and to the right."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, images: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        """Map [b, c, h, w] to [b, outputs, ceil(h / stride), ceil(w / stride)]."""
        sides: list[int] = []
        for size, kernel, stride in zip(
            images.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            sides += [missing // 2, missing - missing // 2]
        padded = nn.functional.pad(images, sides)
        convolved: Tensor = self._conv_forward(padded, self.weight, None)
        return convolved


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with TensorFlow's epsilon."""
    return nn.BatchNorm2d(channels, eps=1e-3)


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel by itself, narrow; and a shortcut where the shape is kept."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.widens = expansion != 1
        if self.widens:
            self._expand_conv = SameConv2d(inputs, width, 1)
            self._bn0 = norm(width)
        self._depthwise_conv = SameConv2d(width, width, kernel, stride, groups=width)
        self._bn1 = norm(width)
        self._project_conv = SameConv2d(width, outputs, 1)
        self._bn2 = norm(outputs)
        self.keeps_shape = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        """Map features [b, inputs, h, w] to [b, outputs, ...]."""
        hidden = features
        if self.widens:
            hidden = nn.functional.relu6(self._bn0(self._expand_conv(hidden)))
        hidden = nn.functional.relu6(self._bn1(self._depthwise_conv(hidden)))
        narrow: Tensor = self._bn2(self._project_conv(hidden))
        return features + narrow if self.keeps_shape else narrow


class EfficientNetLite0(nn.Module):
    """Logits of the 1,000 ImageNet classes."""

    num_classes = NUM_CLASSES
    side = SIDE

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, STEM_CHANNELS, 3, 2)
        self._bn0 = norm(STEM_CHANNELS)
        self._blocks = nn.ModuleList()
        inputs = STEM_CHANNELS
        for count, kernel, stride, expansion, outputs in STAGES:
            for position in range(count):
                step = stride if position == 0 else 1
                block = InvertedBottleneck(inputs, outputs, kernel, step, expansion)
                self._blocks.append(block)
                inputs = outputs
        self._conv_head = SameConv2d(inputs, HEAD_CHANNELS, 1)
        self._bn1 = norm(HEAD_CHANNELS)
        self._fc = nn.Linear(HEAD_CHANNELS, NUM_CLASSES)

    def forward(self, images: Float[Tensor, "b 3 _ _"]) -> Float[Tensor, "b _"]:
        """Logits [b, 1000] of images [b, 3, 224, 224], colours in [-1, 1]."""
        features = nn.functional.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            features = block(features)
        features = nn.functional.relu6(self._bn1(self._conv_head(features)))
        logits: Tensor = self._fc(torch.mean(features, dim=(2, 3)))
        return logits
