"""How fast a device computes what training steps are made of, measured for about a second."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hagan.networks.blocks import ConvBlock
from hagan.networks.upsample import UpConv

SIDE = 16
"""Voxels along each axis at the sample's input."""

WIDTH = 64
"""Channels at the sample's input."""


def sample_network() -> nn.Module:
    """Layers of the kinds, widths and sizes in which a step spends its time."""
    return nn.Sequential(
        ConvBlock(WIDTH, WIDTH, norm="group"),
        UpConv(WIDTH, WIDTH // 2, voxels=SIDE**3),
        nn.LeakyReLU(0.2, inplace=True),
        UpConv(WIDTH // 2, 1, voxels=(2 * SIDE) ** 3),
        ConvBlock(1, WIDTH // 2, norm="group", kernel=4, stride=2),
        ConvBlock(WIDTH // 2, WIDTH, norm="group", kernel=4, stride=2),
    )


def measured_rate(device: str, *, precision: str = "fp32", seconds: float = 1.0) -> float:
    """Floating-point operations a second of convolutions, forward and backward.

    Args:
        device: Where; it must be there.
        precision: `fp32` or `bf16`, of the forward passes.
        seconds: How long to measure at least, after a first pass that does not count.
    """
    place = torch.device(device)
    # Its own random numbers: the caller's stay as they are.
    with torch.random.fork_rng(devices=[]):
        network = sample_network().to(place)
        features = torch.randn(2, WIDTH, SIDE, SIDE, SIDE).to(place)
    with FlopCounterMode(display=False) as counter:
        _pass(network, features, precision)
    passes = 0
    began = _now(place)
    spent = 0.0
    while spent < seconds:
        _pass(network, features, precision)
        passes += 1
        spent = _now(place) - began
    return float(counter.get_total_flops()) * passes / spent


def _pass(network: nn.Module, features: torch.Tensor, precision: str) -> None:
    autocast = torch.autocast(features.device.type, torch.bfloat16, enabled=precision == "bf16")
    with autocast:
        loss = network(features).square().mean()
    loss.backward()
    network.zero_grad(set_to_none=True)


def _now(place: torch.device) -> float:
    """The time at which the device has done all that it was asked for."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    return time.perf_counter()
