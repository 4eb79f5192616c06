"""The multi-scale patch GAN of Uzunova et al. 2019, without the sketches that it was made for.

Scale 0 makes whole volumes at low resolution. Each later scale is twice as fine and is learnt and
made by patches of one size, so that only scale 0 ever sees a whole volume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.grid import base_of, doublings_of
from hagan.models.gan import GAN, Phase, Terms
from hagan.models.losses import least_squares, rebuilt_l1
from hagan.networks.dcgan import Critic, UpGenerator, critic_widths, generator_widths
from hagan.networks.patch import SURROUNDINGS, PatchCritic, PatchGenerator
from hagan.networks.patch_grid import Corner, around, assembled, window
from hagan.types import FeatureMaps, Labels, Latents, Logits, LowVolumes, Scalar, Volumes

NOISE_FIELDS = 16
"""Fixed fields of white noise that the first entries of a latent code mix at each scale."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Real volumes of a step at every scale."""

    levels: tuple[LowVolumes, ...]
    """From scale 0, the coarsest, to the volumes themselves; each is twice the one before."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Real patches of a scale, what lies around them one scale below, and noise."""

    real: LowVolumes
    surroundings: FeatureMaps
    noise: LowVolumes


class Scales(nn.Module):
    """The networks of scale 0 and of the later scales."""

    def __init__(self, low: nn.Module, patches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.low = low
        self.patches = nn.ModuleList(patches)


class PatchGAN(GAN[Pyramid]):
    """A GAN of low-resolution volumes, and one of patches for each doubling of the resolution."""

    generator: Scales
    critic: Scales

    def __init__(self, config: PatchGANConfig) -> None:
        super().__init__()
        self.config = config
        self.volume_shape = config.volume_shape
        self.latent_dim = config.latent_dim
        self.num_classes = config.num_classes
        low, scales = config.low_shape, range(config.num_scales)
        doublings, base = doublings_of(low), base_of(low)
        self.generator = Scales(
            UpGenerator(
                latent_dim=config.latent_dim,
                base_shape=base,
                widths=generator_widths(doublings, config.width),
            ),
            [
                PatchGenerator(width=config.width, blocks=config.blocks, norm=config.generator_norm)
                for _ in scales
            ],
        )
        self.critic = Scales(
            Critic(
                base_shape=base,
                widths=critic_widths(doublings, config.width),
                norm=config.critic_norm,
            ),
            [
                PatchCritic(side=config.patch, width=config.width, norm=config.critic_norm)
                for _ in scales
            ],
        )

    def phases(self) -> Sequence[Phase[Pyramid]]:
        """Scale by scale a critic and a generator; no scale waits for another."""
        phases = [
            self._phase("critic-0", self.critic.low, self.low_critic_loss),
            self._phase("generator-0", self.generator.low, self.low_generator_loss),
        ]
        for scale in range(1, self.config.num_scales + 1):
            critic = partial(self.patch_critic_loss, scale=scale)
            generator = partial(self.patch_generator_loss, scale=scale)
            phases += [
                self._phase(f"critic-{scale}", self.critic.patches[scale - 1], critic),
                self._phase(f"generator-{scale}", self.generator.patches[scale - 1], generator),
            ]
        return phases

    def _phase(
        self, name: str, trains: nn.Module, loss: Callable[[Pyramid], Terms]
    ) -> Phase[Pyramid]:
        config = self.config
        adam = config.adam_critic if name.startswith("critic") else config.adam_generator
        return Phase(name=name, trains=trains, loss=loss, adam=adam)

    def prepare(self, real: Volumes, labels: Labels | None) -> Pyramid:
        """The volumes at every scale, each voxel the mean of the eight that it stands for."""
        levels = [real]
        for _ in range(self.config.num_scales):
            levels.append(functional.avg_pool3d(levels[-1], 2))
        return Pyramid(tuple(reversed(levels)))

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        """Volumes [b, 1, d, h, w] in [-1, 1] of latents [b, z], scale by scale.

        The patches of one place are made at a time, so that beside the volumes no more is held at
        any side.
        """
        volumes: Volumes = self.generator.low(latents)
        for scale in range(1, self.config.num_scales + 1):
            volumes = self._refined(volumes, latents, scale)
        # Means of numbers up to 1 may be above it by rounding.
        return volumes.clamp(-1.0, 1.0)

    def _refined(self, low: LowVolumes, latents: Latents, scale: int) -> LowVolumes:
        """Volumes of a scale from those of the scale before."""
        config = self.config
        generator, side = self.generator.patches[scale - 1], config.patch
        shape = (2 * low.shape[2], 2 * low.shape[3], 2 * low.shape[4])
        rows: dict[int, LowVolumes] = {}

        def make(corner: Corner) -> LowVolumes:
            z, y, x = corner
            if z not in rows:
                rows.clear()
                rows[z] = noise_of(latents, scale, range(z, z + side), shape[1:])
            noise = rows[z][..., y : y + side, x : x + side]
            made: LowVolumes = generator(around(low, corner, side), noise)
            return made

        return assembled(
            shape,
            len(low),
            make,
            side=side,
            inner=config.inner,
            stride=config.stride,
            like=low,
        )

    # Scale 0.

    def low_critic_loss(self, batch: Pyramid) -> Terms:
        """Least squares: 1 for real volumes of scale 0 and 0 for fakes."""
        real = batch.levels[0]
        with torch.no_grad():
            fake = self.generator.low(self.draw_latents(len(real)))
        return self._told_apart(self._score(real), self._score(fake), len(real))

    def low_generator_loss(self, batch: Pyramid) -> Terms:
        """Fakes are to score 1."""
        fake = self.generator.low(self.draw_latents(len(batch.levels[0])))
        return {"fake": least_squares(self._score(fake), real=True)}

    def _score(self, volumes: LowVolumes) -> Logits:
        scores: Logits = self.critic.low(volumes)[:, 0]
        return scores

    # Later scales.

    def patch_critic_loss(self, batch: Pyramid, *, scale: int) -> Terms:
        """Least squares of real patches and of made ones within the same surroundings."""
        patches, critic = self.draw_patches(batch, scale), self.critic.patches[scale - 1]
        with torch.no_grad():
            fake = self.generator.patches[scale - 1](patches.surroundings, patches.noise)
        real_scores = critic(patches.surroundings, patches.real)
        fake_scores = critic(patches.surroundings, fake)
        return self._told_apart(real_scores, fake_scores, len(batch.levels[0]))

    def patch_generator_loss(self, batch: Pyramid, *, scale: int) -> Terms:
        """Made patches are to score 1, and to be near the real ones of their surroundings."""
        patches = self.draw_patches(batch, scale)
        fake = self.generator.patches[scale - 1](patches.surroundings, patches.noise)
        scores = self.critic.patches[scale - 1](patches.surroundings, fake)
        return {
            "fake": least_squares(scores, real=True),
            "rebuilt": self.config.rebuilt_weight * rebuilt_l1(fake, patches.real),
        }

    def draw_patches(self, batch: Pyramid, scale: int) -> Patches:
        """Patches at random places of every volume: all volumes' first ones, then the second."""
        low, high = batch.levels[scale - 1 : scale + 1]
        count, num, side = len(high), self.config.patches, self.config.patch
        drawn = self.draw_rows(lambda rows: torch.rand(rows, 3 * num), count).tolist()
        normal = self.draw_rows(lambda rows: torch.randn(rows, num * _entries(side)), count)
        normal = normal.to(high).view(count, num, SURROUNDINGS + 1, side, side, side)
        normal = normal.transpose(0, 1).flatten(0, 1)
        real, surroundings = [], []
        for patch in range(num):
            for volume, where in enumerate(drawn):
                corner = _even_corner(where[3 * patch : 3 * patch + 3], high.shape[2:], side)
                one = slice(volume, volume + 1)
                real.append(window(high[one], corner, side, edge=False))
                surroundings.append(around(low[one], corner, side))
        spoilt = torch.cat(surroundings) + self.config.low_noise * normal[:, :SURROUNDINGS]
        return Patches(torch.cat(real), spoilt, normal[:, SURROUNDINGS:])

    def _told_apart(self, real: Logits, fake: Logits, volumes: int) -> Terms:
        """Half the least squares of a critic; 0 while its answers are good enough to rest."""
        rest = self.config.critic_rest
        share: Scalar | float = 0.5
        if rest is not None:
            answers = torch.stack([real > 0.5, fake < 0.5], dim=1).to(real.dtype)
            of_volumes = answers.view(-1, volumes, 2).mean(dim=0)
            share = 0.5 * (self.whole_batch(of_volumes).mean() <= rest).to(real.dtype)
        return {
            "real": share * least_squares(real, real=True),
            "fake": share * least_squares(fake, real=False),
        }


def noise_of(
    latents: Latents, scale: int, slices: range, plane: Sequence[int]
) -> Float[Tensor, "b 1 _ _ _"]:
    """Slices [b, 1, n, h, w] of the white noise that codes stand for at a scale.

    Each code mixes the same fields by its first entries, scaled to length 1: voxels are N(0, 1),
    independent of each other, and change with the code as smoothly as scale 0 does.

    Args:
        latents: Codes [b, z].
        scale: From 1; each has fields of its own.
        slices: Numbers of the slices.
        plane: Voxels of a slice along h, w.
    """
    mixing = functional.normalize(latents[:, :NOISE_FIELDS], dim=1)
    made = []
    for number in slices:
        # Of a seed torch's generator takes 32 bits.
        draws = torch.Generator().manual_seed((scale << 20) + number)
        fields = torch.randn(mixing.shape[1], *plane, generator=draws)
        made.append(mixing @ fields.flatten(1).to(latents))
    return torch.stack(made, dim=1).view(len(latents), 1, len(slices), *plane)


def _entries(side: int) -> int:
    """Normal numbers for a patch: for its surroundings and for what it is made from."""
    return (SURROUNDINGS + 1) * prod((side, side, side))


def _even_corner(where: Sequence[float], shape: Sequence[int], side: int) -> Corner:
    """First voxel of a patch, even along each axis, from numbers in [0, 1)."""
    places = [(size - side) // 2 for size in shape]
    z, y, x = (2 * min(int(w * (n + 1)), n) for w, n in zip(where, places, strict=True))
    return z, y, x
