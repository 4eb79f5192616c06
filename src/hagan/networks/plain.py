"""The networks as written, with no lever pulled: what every fast path is measured and held against.

Doubled tensors are made, rectifiers write elsewhere, and every step of a normalisation is kept.
Nothing in a model's numbers changes but their rounding.
"""

from __future__ import annotations

from torch import nn

from hagan.networks.blocks import NormAct
from hagan.networks.ha_gan.discriminator import HighDiscriminator, LowDiscriminator
from hagan.networks.ha_gan.generator import CommonGenerator
from hagan.networks.ha_gan.high_generator import HighGenerator
from hagan.networks.upsample import UpConv

SWITCHED = (NormAct, CommonGenerator, HighGenerator, HighDiscriminator, LowDiscriminator)
"""Modules that have a plain way."""


def make_plain(network: nn.Module) -> None:
    """Turn a network and all inside it to the plain path; no way leads back."""
    for module in network.modules():
        if isinstance(module, UpConv):
            module.form = "plain"
        if isinstance(module, SWITCHED):
            module.plain = True
