"""Part `slabs`: how far a slab lies from the same slab of the whole volume, and the seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from hagan.models.ha_gan import HAGAN
from speed_parts.report import Row, Section, Table, number, row
from speed_parts.settings import Settings

PART = "slabs"
ALIGNMENTS = ("floor", "exact")
NORMS = ("group", "rms")

FIGURES = (
    "standard deviation",
    "mean difference",
    "mean difference / standard deviation",
    "largest difference",
    "mean difference, edge slices",
    "mean difference, interior",
    "step at borders, slabs made apart",
    "step at borders, whole",
)


def measure(settings: Settings) -> Section:
    rows: list[Row] = []
    body: list[Sequence[str]] = []
    for alignment, norm in product(ALIGNMENTS, NORMS):
        config = settings.config().model
        model_config = replace(config, alignment=alignment, high_norm=norm)  # type: ignore[arg-type]
        torch.manual_seed(0)
        model = HAGAN(model_config).to(settings.torch_device).train()
        name = f"{alignment}, {norm}"
        values = mismatch(model)
        rows += [
            row(settings, PART, name, what, "", batch=1, value=value)
            for what, value in zip(FIGURES, values, strict=True)
        ]
        body.append([alignment, norm, *(number(value, 2) for value in values)])
    text = (
        "Random weights. Slabs of the partition as training makes them, against the volume that use"
        " makes; intensities lie in [-1, 1]. A step is the mean absolute difference of the two "
        "slices beside a border. With `exact` and `rms` what is left is rounding."
    )
    title = f"Slabs against the whole, {settings.recipe}-{settings.side}"
    return Section(rows, [Table(title, ("alignment", "norm", *FIGURES), body, text)])


@torch.no_grad()
def mismatch(model: HAGAN) -> tuple[float, ...]:
    """The figures of `FIGURES` of one random volume."""
    depth = model.selector.slab_depth
    device = next(model.parameters()).device
    latents = torch.randn(1, model.latent_dim, generator=torch.Generator().manual_seed(1)).to(
        device
    )
    labels = torch.eye(model.num_classes, device=device)[:1] if model.num_classes else None
    features = model.generator.common(latents, labels)
    whole = model.generator.high(features)
    apart = torch.cat([model.slab_of(features, s) for s in model.selector.starts], dim=2)
    difference = (apart - whole).abs()
    by_slice = difference.mean(dim=(0, 1, 3, 4)).view(-1, depth)
    edges, inside = by_slice[:, [0, -1]], by_slice[:, 1:-1]
    spread, mean = float(whole.std()), float(difference.mean())
    return (
        *(spread, mean, mean / spread, float(difference.max())),
        *(float(edges.mean()), float(inside.mean())),
        *(_step_at_borders(apart, depth), _step_at_borders(whole, depth)),
    )


def _step_at_borders(volume: Tensor, depth: int) -> float:
    steps = volume.diff(dim=2).abs().mean(dim=(0, 1, 3, 4))
    return float(steps[depth - 1 :: depth].mean())
