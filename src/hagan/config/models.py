"""Every model that a run can hold."""

from __future__ import annotations

from typing import TypeAlias

from hagan.config.baselines.alpha_gan import AlphaGANConfig
from hagan.config.baselines.cce_gan import CCEGANConfig
from hagan.config.baselines.gaussian import GaussianConfig
from hagan.config.baselines.patch_gan import PatchGANConfig
from hagan.config.baselines.progressive_gan import ProgressiveGANConfig
from hagan.config.baselines.style_gan import StyleGANConfig
from hagan.config.baselines.vae_gan import VAEGANConfig
from hagan.config.baselines.wgan import WGANConfig
from hagan.config.ha_gan import HAGANConfig

ModelConfig: TypeAlias = (
    HAGANConfig
    | WGANConfig
    | PatchGANConfig
    | GaussianConfig
    | ProgressiveGANConfig
    | StyleGANConfig
    | VAEGANConfig
    | CCEGANConfig
    | AlphaGANConfig
)
"""Every model configuration that a run can hold."""


def conditions_of(model: ModelConfig) -> tuple[str, ...]:
    """Columns of the store's table on which a model is conditioned; most take none."""
    return model.conditions if isinstance(model, HAGANConfig) else ()
