"""Measures, before the first step of a run, which forms its layers are fastest in."""

from __future__ import annotations

from typing import Any

import torch

from hagan.data.batches import Batch
from hagan.models.gan import GAN
from hagan.networks.forms import measure_forms
from hagan.networks.upsample import Form


def fastest_forms(
    model: GAN[Any], batch: Batch, precision: str, device: torch.device
) -> dict[str, Form]:
    """Time the forms of an untrained model's layers on what they see in a step with one volume.

    Args:
        model: On the device; its layers are left in the fastest forms, all else as it was.
        batch: Real volumes, of which the first is taken.
        precision: `fp32` or `bf16`, of the forward passes.
        device: Where the model is.

    Returns:
        Forms by the layers' names.
    """
    # A model that grows passes all of its layers only when it is grown.
    grown = model.costliest_step()
    if grown:
        model.begin_step(grown)
    one = batch.rows(0, 1)
    labels = None if one.labels is None else one.labels.to(device)
    prepared = model.prepare(one.volumes.to(device), labels)

    def run() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            for phase in model.phases():
                phase.loss(prepared)

    was_training = model.training
    # In evaluation mode no buffer moves.
    model.eval()
    try:
        return measure_forms(model, run)
    finally:
        model.train(was_training)
        if grown:
            model.begin_step(0)
