"""HA-GAN's generator: G^A makes feature maps, G^L and G^H turn them into volumes (Eqs. 2 and 3)."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Literal, TypeAlias

import torch
from torch import nn

from hagan.networks.blocks import ConvBlock, Norm, NormAct, fastest_layout
from hagan.networks.ha_gan.basis import Basis
from hagan.networks.ha_gan.high_generator import HighGenerator
from hagan.networks.ha_gan.noise import seeds_of
from hagan.networks.ha_gan.template import Template, before_tanh, stretched
from hagan.networks.upsample import UpConv
from hagan.types import FeatureMaps, Labels, Latents, LowVolumes, Seeds, Volumes

NUM_COMMON_LAYERS = 5

Stem: TypeAlias = Literal["linear", "transposed", "basis"]


class CommonGenerator(nn.Module):
    """G^A: latent codes to feature maps A at a quarter of the volume's side.

    Five convolutions, of which those after the first double the grid as often as A's size needs
    (four times for 256, once for 32); a size beyond 256 adds further doubling layers.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        label_dim: int,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        width: int,
        norm: Norm,
        stem: Stem = "linear",
    ) -> None:
        super().__init__()
        self.plain = False
        """Whether features stay in the layout in which they come."""
        self.base_shape = base_shape
        widths = [8 * width, 8 * width, 8 * width, 4 * width, 2 * width, width]
        widths += [width] * max(num_doublings - (NUM_COMMON_LAYERS - 1), 0)
        self.first_width = widths[0]
        inputs = latent_dim + label_dim
        convs: list[nn.Module] = []
        acts: list[nn.Module] = []
        if stem == "linear":
            self.fc = nn.Linear(inputs, widths[0] * prod(base_shape))
        elif stem == "basis":
            self.basis = Basis(inputs, widths[0], base_shape)
        else:
            # Its place is taken by a transposed convolution, which is normalised as they are.
            convs.append(nn.ConvTranspose3d(inputs, widths[0], base_shape))
            acts.append(NormAct(norm, widths[0]))
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            if layer == 0 and stem == "transposed":
                continue
            if 1 <= layer <= num_doublings:
                voxels = prod(base_shape) * 8 ** (layer - 1)
                convs.append(UpConv(inputs, outputs, voxels=voxels))
            else:
                convs.append(nn.Conv3d(inputs, outputs, 3, padding=1))
            acts.append(NormAct(norm, outputs))
        self.convs = nn.ModuleList(convs)
        self.acts = nn.ModuleList(acts)

    def forward(self, latents: Latents, labels: Labels | None = None) -> FeatureMaps:
        """A [b, width, d/4, h/4, w/4] from latents [b, z] and, if conditional, labels [b, k]."""
        code = latents if labels is None else torch.cat((latents, labels), dim=1)
        if hasattr(self, "fc"):
            features = self.fc(code).view(-1, self.first_width, *self.base_shape)
        elif hasattr(self, "basis"):
            features = self.basis(code)
        else:
            features = code[:, :, None, None, None]
        if not torch.is_grad_enabled() and not self.plain:
            features = fastest_layout(features)
        for conv, act in zip(self.convs, self.acts, strict=True):
            features = act(conv(features))
        maps: FeatureMaps = features
        return maps


class LowGenerator(nn.Module):
    """G^L: all of A to the low-resolution volume (Eq. 2)."""

    def __init__(self, *, width: int, norm: Norm, template: Template | None = None) -> None:
        super().__init__()
        self.template = template
        self.blocks = nn.Sequential(
            ConvBlock(width, width // 2, norm=norm), ConvBlock(width // 2, width // 4, norm=norm)
        )
        self.last = nn.Conv3d(width // 4, 1, 3, padding=1)

    def forward(self, features: FeatureMaps) -> LowVolumes:
        """Low-resolution volume [b, 1, d/4, h/4, w/4] in [-1, 1]."""
        return self.finished(self.base(features))

    def base(self, features: FeatureMaps) -> LowVolumes:
        """What the convolutions make, before template and tanh."""
        made: LowVolumes = self.last(self.blocks(features))
        return made

    def finished(self, base: LowVolumes) -> LowVolumes:
        """The volume of a base."""
        return torch.tanh(base if self.template is None else self.template(base))

    def base_of(self, low: LowVolumes) -> LowVolumes:
        """Of which base `finished` would make low-resolution volumes."""
        whole = before_tanh(low)
        return whole if self.template is None else whole - self.template.planes(0, low.shape[2])


class MiddleGenerator(nn.Module):
    """The head of the middle branch: what G^H has at half of each side to a volume of that size."""

    def __init__(self, *, channels: int, template: Template | None = None) -> None:
        super().__init__()
        self.template = template
        self.last = nn.Conv3d(channels, 1, 3, padding=1)

    def forward(self, features: FeatureMaps, base: LowVolumes | None = None) -> LowVolumes:
        """Volume [b, 1, d/2, h/2, w/2] in [-1, 1] of `HighGenerator.halfway` and its base."""
        made = self.last(features)
        if base is not None:
            made = made + stretched(base, 2, 0, made.shape[2])
        return torch.tanh(made if self.template is None else self.template(made))


class Generator(nn.Module):
    """G^A, G^L and G^H together: what the moving average follows and what makes volumes."""

    def __init__(
        self,
        *,
        latent_dim: int,
        label_dim: int,
        base_shape: tuple[int, int, int],
        num_doublings: int,
        high_doublings: int,
        width: int,
        common_norm: Norm,
        high_norm: Norm,
        low_branch: bool,
        stem: Stem = "linear",
        noise: bool = False,
        template: bool = False,
        low_skip: bool = False,
    ) -> None:
        super().__init__()
        assert low_branch or not low_skip, "what is stretched is G^L's"
        self.low_skip = low_skip
        low_shape, shape = (
            (base_shape[0] * times, base_shape[1] * times, base_shape[2] * times)
            for times in (2**num_doublings, 2 ** (num_doublings + high_doublings))
        )
        self.common = CommonGenerator(
            latent_dim=latent_dim,
            label_dim=label_dim,
            base_shape=base_shape,
            num_doublings=num_doublings,
            width=width,
            norm=common_norm,
            stem=stem,
        )
        self.low = (
            LowGenerator(
                width=width, norm=common_norm, template=Template(low_shape) if template else None
            )
            if low_branch
            else None
        )
        self.high = HighGenerator(
            width=width,
            num_doublings=high_doublings,
            voxels=prod(base_shape) * 8**num_doublings,
            norm=high_norm,
            noise=noise,
            template=Template(shape) if template else None,
        )

    def forward(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """X^H = G^H(G^A(Z)), whole: inference (paper III-B)."""
        features = self.common(latents, labels)
        volumes: Volumes = self.high(features, self.seeds(latents), base=self.base(features))
        return volumes

    def base_of(self, low: LowVolumes) -> LowVolumes | None:
        """The base that real low-resolution volumes have, where G^H adds to one."""
        return self.low.base_of(low) if self.low is not None and self.low_skip else None

    def base(self, features: FeatureMaps) -> LowVolumes | None:
        """What G^H adds its details to, where it does."""
        return self.low.base(features) if self.low is not None and self.low_skip else None

    def seeds(self, latents: Latents) -> Seeds | None:
        """From which the noise of G^H follows; none where it has no noise."""
        return None if self.high.noises is None else seeds_of(latents)
