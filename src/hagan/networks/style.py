"""StyleGAN 2's generator (Karras et al. 2020) with 3D operations, as Hong et al. 2021 have it.

A mapping takes latents to styles. The synthesis starts from a learned grid and doubles it; each
convolution is modulated by a style, given noise of one number a voxel, and rectified. There are no
skips to the output: the last features alone make the volume.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hagan.networks.blocks import LEAK
from hagan.networks.equalised import pixel_norm
from hagan.networks.resample import up_convolved
from hagan.networks.style_noise import fixed_noises
from hagan.types import FeatureMaps, Latents, LowVolumes, Rows

EPSILON = 1e-8

GAIN = sqrt(2.0)
"""Of a leaky rectifier, which halves about half of what it is given."""


class Dense(nn.Module):
    """A linear layer with equalised learning rate and a learning rate of its own."""

    def __init__(self, inputs: int, outputs: int, *, rate: float = 1.0, bias: float = 0.0) -> None:
        """Make the layer.

        Args:
            inputs: Entries.
            outputs: Entries.
            rate: Learning rate over that of other layers. Weights are kept so many times larger, so
                that Adam, whose moves have one size, moves them so many times less in proportion.
            bias: Its value at first.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.rate = rate

    def forward(self, rows: Rows) -> Rows:
        """Map rows [b, inputs] to [b, outputs]."""
        scale = self.rate / sqrt(self.weight.shape[1])
        return functional.linear(rows, scale * self.weight, self.rate * self.bias)


class Mapping(nn.Module):
    """Latents z to styles w of the same length."""

    mean: Tensor

    def __init__(self, latent_dim: int, *, layers: int, rate: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Dense(latent_dim, latent_dim, rate=rate) for _ in range(layers))
        self.register_buffer("mean", torch.zeros(latent_dim))

    def forward(self, latents: Latents) -> Latents:
        """Styles [b, z] of latents [b, z]."""
        with torch.autocast(latents.device.type, enabled=False):
            rows = pixel_norm(latents.to(self.mean.dtype))
            for layer in self.layers:
                rows = GAIN * functional.leaky_relu_(layer(rows), LEAK)
            return rows

    def follow(self, styles: Latents, decay: float) -> None:
        """Let the moving average of w take these styles in."""
        self.mean.lerp_(styles.detach().mean(dim=0), 1.0 - decay)


class ModulatedConv(nn.Module):
    """A convolution whose inputs a style scales, and whose outputs are scaled back to variance 1.

    That equals a kernel for each volume, scaled over its inputs and normalised over each output
    (Karras et al. 2020, eqs. 1 and 3), without making it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        style_dim: int,
        kernel: int = 3,
        demodulated: bool = True,
        up_taps: Sequence[int] = (),
    ) -> None:
        """Make the layer.

        Args:
            inputs: Channels.
            outputs: Channels.
            style_dim: Entries of a style.
            kernel: Along each axis.
            demodulated: Whether outputs are scaled back.
            up_taps: Where the grid is doubled, taps of the filter; otherwise none.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel, kernel))
        self.scales = Dense(style_dim, inputs, bias=1.0)
        self.demodulated = demodulated
        self.up_taps = tuple(up_taps)

    def forward(self, features: FeatureMaps, style: Latents) -> tuple[FeatureMaps, Rows]:
        """The convolution of scaled inputs, and the factors [b, outputs] that its outputs want."""
        weight = self.weight / sqrt(self.weight[0].numel())
        # Sums of squares need more digits than bf16 has.
        with torch.autocast(features.device.type, enabled=False):
            scales = self.scales(style.to(weight.dtype))
            factors = scales.new_ones(len(scales), len(weight))
            if self.demodulated:
                squares = weight.square().sum(dim=(2, 3, 4))
                factors = torch.rsqrt(scales.square() @ squares.t() + EPSILON)
        features = features * _by_channel(scales).to(features.dtype)
        if self.up_taps:
            return up_convolved(features, weight, self.up_taps), factors
        padding = weight.shape[-1] // 2
        return functional.conv3d(features, weight, padding=padding), factors


class StyleLayer(nn.Module):
    """Modulated convolution, noise, bias, leaky rectifier."""

    def __init__(
        self, channels: int, *, grid: Sequence[int], style_dim: int, up_taps: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.grid = tuple(grid)
        self.conv = ModulatedConv(channels, channels, style_dim=style_dim, up_taps=up_taps)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: FeatureMaps, style: Latents, noise: Tensor) -> FeatureMaps:
        """Features on the layer's grid; noise [b or 1, 1, *grid]."""
        made, factors = self.conv(features, style)
        # The gain commutes with the rectifier, and is cheap here.
        strength, bias = (GAIN * p.to(made.dtype) for p in (self.noise_strength, self.bias))
        scaled = torch.addcmul(
            _by_channel(bias[None]), made, _by_channel(GAIN * factors).to(made.dtype)
        )
        return functional.leaky_relu_(torch.addcmul(scaled, noise.to(made.dtype), strength), LEAK)


class Synthesis(nn.Module):
    """Styles to volumes."""

    def __init__(
        self,
        *,
        base_shape: tuple[int, int, int],
        doublings: int,
        width: int,
        style_dim: int,
        filter_taps: Sequence[int],
    ) -> None:
        """Make the layers.

        Args:
            base_shape: Grid that is learned.
            doublings: Of it.
            width: Channels of all layers.
            style_dim: Entries of a style.
            filter_taps: Of the filter at a doubling.
        """
        super().__init__()
        self.base = nn.Parameter(torch.randn(1, width, *base_shape))
        layers = [StyleLayer(width, grid=base_shape, style_dim=style_dim)]
        for level in range(1, doublings + 1):
            grid = [size * 2**level for size in base_shape]
            layers += [
                StyleLayer(width, grid=grid, style_dim=style_dim, up_taps=filter_taps),
                StyleLayer(width, grid=grid, style_dim=style_dim),
            ]
        self.layers = nn.ModuleList(layers)
        self.grids = [layer.grid for layer in layers]
        """Of each layer's noise."""
        self.to_volume = ModulatedConv(width, 1, style_dim=style_dim, kernel=1, demodulated=False)
        self.bias = nn.Parameter(torch.zeros(1))

    @property
    def num_styles(self) -> int:
        """Layers that take a style."""
        return len(self.layers) + 1

    def forward(self, styles: Float[Tensor, "b l z"], noises: Iterable[Tensor]) -> LowVolumes:
        """Volumes [b, 1, d, h, w] without bounds of a style for each layer.

        Args:
            styles: One a volume and layer, `num_styles` of them.
            noises: For each layer but the last in order, [b or 1, 1, *grid].
        """
        features: FeatureMaps = self.base.expand(len(styles), -1, -1, -1, -1)
        for layer, style, noise in zip(self.layers, styles[:, :-1].unbind(1), noises, strict=True):
            features = layer(features, style, noise)
        volumes, _ = self.to_volume(features, styles[:, -1])
        made: LowVolumes = volumes + self.bias.view(1, 1, 1, 1, 1).to(volumes.dtype)
        return made


class StyleGenerator(nn.Module):
    """The mapping and the synthesis."""

    def __init__(self, mapping: Mapping, synthesis: Synthesis) -> None:
        super().__init__()
        self.mapping = mapping
        self.synthesis = synthesis

    def forward(self, latents: Latents, truncation: Rows | None = None) -> LowVolumes:
        """Volumes without bounds of latents [b, z], each layer with the same style, fixed noise.

        Args:
            latents: Codes.
            truncation: Weight [b, 1] of each own style against the mean style; 1 by default.
        """
        styles = self.mapping(latents)
        if truncation is not None:
            styles = torch.lerp(self.mapping.mean.expand_as(styles), styles, truncation.to(styles))
        styles = styles[:, None].expand(-1, self.synthesis.num_styles, -1)
        made: LowVolumes = self.synthesis(styles, fixed_noises(self.synthesis.grids, styles))
        return made


def _by_channel(rows: Rows) -> FeatureMaps:
    """Rows [b, c] as [b, c, 1, 1, 1]."""
    return rows[:, :, None, None, None]
