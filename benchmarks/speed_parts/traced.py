"""What steps and volumes cost in memory and operations, from tensors without numbers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from hagan.config.ha_gan import HAGANConfig
from hagan.config.training import RunConfig
from hagan.inference.memory import free_memory
from hagan.models.build import build_model
from hagan.training.cost import StepCost, step_cost
from hagan.training.live_memory import peak_of
from speed_parts.levers import as_plain

MIB, GIB, GFLOP = 2**20, 2**30, 1e9

SLACK, BESIDE = 1.3, 2**30
"""What an allocator rounds up, and what a process holds beside its tensors."""


def cost(config: RunConfig, device: str, *, plain: bool) -> StepCost:
    """A training step's cost as it is, or on the textbook path."""
    model = as_plain(config.model) if plain else config.model
    return step_cost(replace(config, model=model), device=torch.device(device).type)


def generating_peak(config: HAGANConfig, *, plain: bool) -> int:
    """Most bytes of the tensors of one volume made in one pass, and the weights."""
    with FakeTensorMode():
        model = build_model(as_plain(config) if plain else config).eval()
        weights = sum(p.numel() * p.element_size() for p in model.generator.parameters())
        latents = torch.zeros(1, config.latent_dim)
        return weights + peak_of(lambda: model.generate(latents))


def fits(size: int, device: str) -> bool:
    """Whether tensors of so many bytes at the peak can be had now."""
    free = free_memory(device)
    return free is None or SLACK * size + BESIDE < free
