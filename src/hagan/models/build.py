"""From a model's configuration to the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.config.baselines.gaussian import GaussianConfig
from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.config.baselines.wgan import WGANConfig
from hagan.config.ha_gan import HAGANConfig
from hagan.config.models import ModelConfig
from hagan.models.baselines.alpha_gan import AlphaGAN
from hagan.models.baselines.cce_gan import CCEGAN
from hagan.models.baselines.gaussian import Gaussian
from hagan.models.baselines.patch_gan import PatchGAN
from hagan.models.baselines.progressive_gan import ProgressiveGAN
from hagan.models.baselines.style_gan import StyleGAN
from hagan.models.baselines.vae_gan import VAEGAN
from hagan.models.baselines.wgan import WGAN
from hagan.models.gan import GAN
from hagan.models.ha_gan import HAGAN

BUILDERS: dict[type, Callable[[Any], GAN[Any]]] = {
    HAGANConfig: HAGAN,
    GaussianConfig: Gaussian,
    PatchGANConfig: PatchGAN,
    ProgressiveGANConfig: ProgressiveGAN,
    StyleGANConfig: StyleGAN,
    WGANConfig: WGAN,
    VAEGANConfig: VAEGAN,
    CCEGANConfig: CCEGAN,
    AlphaGANConfig: AlphaGAN,
}
"""Which model a configuration describes."""


def build_model(config: ModelConfig) -> GAN[Any]:
    """The untrained model that `config` describes, with torch's default initial weights."""
    return BUILDERS[type(config)](config)
