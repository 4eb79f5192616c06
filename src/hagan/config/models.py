"""Every model that a run can hold."""

from __future__ import annotations

from typing import TypeAlias

from hagan.config.baselines.wgan import WGANConfig
from hagan.config.ha_gan import HAGANConfig

ModelConfig: TypeAlias = HAGANConfig | WGANConfig
"""Every model configuration that a run can hold."""
