"""The network that deepbet finds brains with, and its weights, without running what it ships.

A residual encoder and a light decoder whose steps are added (LinkNet, Chaurasia and Culurciello
2017), in three dimensions with instance norm. deepbet (Fisch et al. 2024, MIT licence) ships it as
TorchScript, which is code; only the numbers in that archive are read here.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hagan.errors import BadInputError

WIDTHS = (16, 32, 64, 128)
"""Channels of the four steps down."""

SMALLEST = 32
"""Sides of inputs are multiples of it."""


class LinkNet(nn.Module):
    """Intensities to the probabilities of background and brain.

    Names of the layers are those of the packaged weights.
    """

    def __init__(self) -> None:
        super().__init__()
        first = WIDTHS[0]
        self.init = nn.Sequential(
            nn.Conv3d(1, first, 7, stride=2, padding=3, bias=False),
            nn.InstanceNorm3d(first),
            nn.ReLU(),
            nn.MaxPool3d(3, stride=2, padding=1),
        )
        before = (first, *WIDTHS[:-1])
        self.down0, self.down1, self.down2, self.down3 = (
            Down(old, new) for old, new in zip(before, WIDTHS, strict=True)
        )
        self.up0, self.up1, self.up2, self.up3 = (
            Up(new, old, doubles=old != new)
            for old, new in zip(before[::-1], WIDTHS[::-1], strict=True)
        )
        half = first // 2
        self.tp_conv1 = nn.Sequential(
            nn.ConvTranspose3d(first, half, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm3d(half),
            nn.ReLU(),
        )
        self.conv = nn.Sequential(
            nn.Conv3d(half, half, 3, padding=1), nn.InstanceNorm3d(half), nn.ReLU()
        )
        self.tp_conv2 = nn.ConvTranspose3d(half, 2, 2, stride=2)

    def forward(self, intensities: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b 2 x y z"]:
        """Tell brain from the rest.

        Args:
            intensities: Axes grow to the right, the front and the head; sides are multiples of
                `SMALLEST`.

        Returns:
            Probabilities of background and of brain.
        """
        start = self.init(intensities)
        one = self.down0(start)
        two = self.down1(one)
        three = self.down2(two)
        four = self.up0(self.down3(three)) + three
        five = self.up1(four) + two
        six = self.up2(five) + one
        seven = self.up3(six) + start
        probabilities: Tensor = torch.softmax(self.tp_conv2(self.conv(self.tp_conv1(seven))), 1)
        return probabilities


class Down(nn.Module):
    """Two residual blocks; the first halves the sides where the channels change."""

    def __init__(self, old: int, new: int) -> None:
        super().__init__()
        self.block1 = Block(old, new)
        self.block2 = Block(new, new)

    def forward(self, features: Float[Tensor, "b c x y z"]) -> Tensor:
        """Features of the next step."""
        deeper: Tensor = self.block2(self.block1(features))
        return deeper


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, old: int, new: int) -> None:
        super().__init__()
        stride = 1 if old == new else 2
        self.double_conv = nn.Sequential(
            nn.Conv3d(old, new, 3, stride=stride, padding=1, bias=False),
            nn.InstanceNorm3d(new),
            nn.ReLU(),
            nn.Conv3d(new, new, 3, padding=1, bias=False),
            nn.InstanceNorm3d(new),
        )
        if stride == 1:
            self.downsample: nn.Module = nn.Identity()
        else:
            self.downsample = nn.Sequential(
                nn.Conv3d(old, new, 1, stride=stride, bias=False), nn.InstanceNorm3d(new)
            )

    def forward(self, features: Float[Tensor, "b c x y z"]) -> Tensor:
        """The block's features."""
        return torch.relu(self.double_conv(features) + self.downsample(features))


class Up(nn.Module):
    """Narrow, double the sides unless this is the last step, widen."""

    def __init__(self, old: int, new: int, *, doubles: bool) -> None:
        super().__init__()
        narrow = old // 4
        stride = 2 if doubles else 1
        self.conv1 = _normed(nn.Conv3d(old, narrow, 1, bias=False), narrow)
        self.tp_conv = _normed(
            nn.ConvTranspose3d(
                narrow, narrow, 3, stride=stride, padding=1, output_padding=stride - 1, bias=False
            ),
            narrow,
        )
        self.conv2 = _normed(nn.Conv3d(narrow, new, 1, bias=False), new)

    def forward(self, features: Float[Tensor, "b c x y z"]) -> Tensor:
        """Features of the step above."""
        finer: Tensor = self.conv2(self.tp_conv(self.conv1(features)))
        return finer


def _normed(convolution: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.InstanceNorm3d(channels), nn.ReLU())


def load_link_net(archive: bytes, source: str) -> LinkNet:
    """The network with the numbers of a TorchScript archive, whose code and pickles are not read.

    Args:
        archive: The file; its tensors lie in `data/0`, `data/1` and so on in the layers' order.
        source: What an error calls it.

    Returns:
        The network in evaluation mode.

    Raises:
        BadInputError: The archive is damaged or of another network.
    """
    network = LinkNet()
    state = network.state_dict()
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            top = files.namelist()[0].split("/")[0]
            parts = [files.read(f"{top}/data/{number}") for number in range(len(state))]
    except (zipfile.BadZipFile, zlib.error, KeyError, IndexError) as error:
        raise BadInputError(f"{source}: damaged ({error}); reinstall the package") from error
    for content, (name, tensor) in zip(parts, state.items(), strict=True):
        if len(content) != 4 * math.prod(tensor.shape):
            raise BadInputError(f"{source}: {name} has another size; reinstall the package")
        state[name] = torch.frombuffer(bytearray(content), dtype=torch.float32).view(tensor.shape)
    network.load_state_dict(state)
    return network.eval()
