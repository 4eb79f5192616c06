"""torch.compile for the networks that make and encode volumes, where it works; else without.

Discriminators are left as they are: what torch compiles has no gradients of gradients, which R1 and
R2 need.
"""

from __future__ import annotations

import logging
from typing import Any, Literal, TypeAlias

import torch
from torch import nn

from hagan.models.gan import GAN
from hagan.networks.blocks import ConvBlock, NormAct
from hagan.networks.upsample import UpConv

log = logging.getLogger(__name__)

Compile: TypeAlias = Literal["no", "default", "reduce-overhead"]
"""`default` fuses what it can; `reduce-overhead` also replays CUDA graphs, on CUDA."""

SHAPES = 256
"""For which code may be compiled: layers of one kind share theirs, and a slab has a few depths."""


def compile_networks(
    model: GAN[Any], mode: Compile, device: torch.device, *, backend: str = "inductor"
) -> bool:
    """Compile the layers of the published networks; says in one line why where that fails.

    Args:
        model: Its forward passes go through compiled code from now on; weights and names stay.
        mode: What to ask of torch; `no` does nothing.
        device: Where the model is.
        backend: Of torch.compile.

    Returns:
        Whether anything was compiled.
    """
    if mode == "no":
        return False
    if mode == "reduce-overhead" and device.type != "cuda":
        log.warning("CUDA graphs need CUDA, not %s; compiled without them", device.type)
        mode = "default"
    reason = _why_not(device, backend)
    if reason is not None:
        log.warning("torch.compile does not work here (%s); training goes on without it", reason)
        return False
    torch._dynamo.config.recompile_limit = SHAPES
    # What cannot be compiled after all runs as it is.
    torch._dynamo.config.suppress_errors = True
    for module in _layers(model):
        module.compile(backend=backend, mode=None if mode == "default" else mode, dynamic=False)
    return True


def _layers(model: GAN[Any]) -> list[nn.Module]:
    """The blocks of the published networks, none of them within another."""
    found: list[nn.Module] = []
    for network in model.published().values():
        for module in network.modules():
            within = any(module is part for block in found for part in block.modules())
            if isinstance(module, ConvBlock | UpConv | NormAct) and not within:
                found.append(module)
    return found


def _why_not(device: torch.device, backend: str) -> str | None:
    """What torch says where it cannot compile the least of functions."""
    try:
        torch.compile(torch.neg, backend=backend)(torch.zeros(2, device=device))
    except RuntimeError as error:
        return " ".join(str(error).split())[:110]
    return None
