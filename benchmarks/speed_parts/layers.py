"""Part `layers`: each doubling convolution of a recipe in each form and layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import get_args

import torch
from torch import Tensor, nn

from hagan.models.ha_gan import HAGAN
from hagan.networks.upsample import Form, UpConv
from speed_parts.equality import TOLERANCE
from speed_parts.report import PLAIN, Row, Section, Table, number, ratio, row, summary
from speed_parts.settings import Settings
from speed_parts.timing import Clock, Samples, interleaved

PART = "layers"
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last_3d}
PASSES = ("forward", "backward", "no grad")
TRAINED = PASSES[:2]
VARIANTS = tuple(f"{form}, {layout}" for form, layout in product(get_args(Form), LAYOUTS))
BASE = f"{PLAIN}, contiguous"

SMALL = 4
"""Side of the features on which the forms are held equal."""


@dataclass(frozen=True)
class Seen:
    """A layer of a model, and the features that it gets in a step."""

    name: str
    layer: UpConv
    shape: tuple[int, ...]

    def __str__(self) -> str:
        batch, inputs, *sizes = self.shape
        of = "x".join(map(str, sizes))
        return f"{self.name}: {inputs} to {self.layer.out_channels}, {of}, batch {batch}"


def measure(settings: Settings) -> Section:
    clock = Clock(settings.torch_device, settings.threads)
    rows: list[Row] = []
    bodies: dict[str, list[list[str]]] = {name: [] for name in PASSES}
    chosen: list[list[str]] = []
    for seen in layers_of(settings):
        gaps = {form: _difference(seen, form, settings.torch_device) for form in get_args(Form)}
        equal = {form for form, gap in gaps.items() if gap < TOLERANCE}
        names = [name for name in VARIANTS if _form(name) in equal]
        samples = _timed(seen, names, settings, clock)
        found = _rows(seen, settings, samples)
        found += [
            row(
                *(settings, PART, form, f"{seen}: largest difference to plain", ""),
                dtype="float64",
                value=gap,
                failed=form not in equal,
            )
            for form, gap in gaps.items()
        ]
        rows += found
        times = {(r.name, r.what): r for r in found}
        for what, body in bodies.items():
            cells = (times.get((name, f"{seen}: {what}")) for name in VARIANTS)
            failed = (f"FAILED: differs by {gaps[_form(name)]:.1e}" for name in VARIANTS)
            shown = zip(cells, failed, strict=True)
            body.append([str(seen), *(number(c.value) if c else why for c, why in shown)])
        chosen.append([str(seen), seen.layer.form, *_fastest(samples)])
    head = ("layer", *VARIANTS)
    text = f"Seconds: medians of {settings.repeats} interleaved repeats, {clock.kind}."
    tables = [
        Table(
            f"What the layers pick, and what is fastest here ({settings.recipe}-{settings.side})",
            ("layer", "picked", "fastest in training", "fastest without gradients"),
            chosen,
            f"All forms were held equal in float64 first, below {TOLERANCE:g}.",
        ),
        *(Table(what.capitalize(), head, body, text) for what, body in bodies.items()),
    ]
    return Section(rows, tables)


def layers_of(settings: Settings) -> list[Seen]:
    """The doubling layers with the features that they get in the generator's turn."""
    config = settings.config().model
    model = HAGAN(config)
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes[module] = tuple(inputs[0].shape)

    named = {name: m for name, m in model.named_modules() if isinstance(m, UpConv)}
    hooks = [module.register_forward_pre_hook(look) for module in named.values()]
    latents = torch.zeros(1, config.latent_dim)
    labels = torch.zeros(1, config.num_classes) if config.num_classes else None
    # From the middle, where a slab has both halos where it has any.
    start = (config.volume_shape[0] - config.slab_shape[0]) // 2 + 1
    with torch.no_grad():
        model.slab_of(model.generator.common(latents, labels), start)
    for hook in hooks:
        hook.remove()
    return [
        Seen(name.removeprefix("generator."), module, (settings.batch, *shapes[module][1:]))
        for name, module in named.items()
    ]


def _form(name: str) -> Form:
    return name.partition(", ")[0]  # type: ignore[return-value]


def _copy(seen: Seen, device: torch.device, dtype: torch.dtype) -> UpConv:
    layer = UpConv(seen.layer.in_channels, seen.layer.out_channels, voxels=1).to(device, dtype)
    layer.load_state_dict(seen.layer.state_dict())
    return layer


def _difference(seen: Seen, form: Form, device: torch.device) -> float:
    """Largest difference to `plain` of the output and all gradients, by the largest number."""
    layer = _copy(seen, device, torch.float64)
    generator = torch.Generator().manual_seed(0)
    shape = (1, seen.shape[1], SMALL, SMALL, SMALL)
    features = torch.randn(shape, generator=generator, dtype=torch.float64).to(device)
    features.requires_grad_()

    def computed(which: Form) -> list[Tensor]:
        layer.form = which
        made = layer(features)
        seeded = torch.Generator().manual_seed(1)
        weight = torch.rand(made.shape, generator=seeded, dtype=made.dtype).to(device)
        gradients = torch.autograd.grad((made * weight).sum(), [features, *layer.parameters()])
        return [made.detach(), *gradients]

    pairs = zip(computed(form), computed("plain"), strict=True)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def _timed(seen: Seen, names: list[str], settings: Settings, clock: Clock) -> dict[str, Samples]:
    layer = _copy(seen, settings.torch_device, torch.float32)
    contiguous = torch.randn(seen.shape, device=settings.torch_device)

    def run(name: str, _: int) -> dict[str, float]:
        layer.form = _form(name)
        layout = LAYOUTS[name.partition(", ")[2]]
        features = contiguous.contiguous(memory_format=layout).requires_grad_()
        layer.zero_grad(set_to_none=True)
        with clock.timed() as forward:
            made = layer(features)
        gradient = torch.ones_like(made)
        with clock.timed() as backward:
            made.backward(gradient)
        del made, gradient
        with torch.no_grad(), clock.timed() as without:
            layer(features)
        times = (forward, backward, without)
        return {what: timing.seconds for what, timing in zip(PASSES, times, strict=True)}

    samples, _ = interleaved(names, run, repeats=settings.repeats, warm_up=settings.warm_up)
    return samples


def _rows(seen: Seen, settings: Settings, samples: dict[str, Samples]) -> list[Row]:
    base = {what: float(summary(of)["value"]) for what, of in samples[BASE].items()}
    rows = [
        row(settings, PART, name, f"{seen}: {what}", "s", **summary(values))
        for name, of in samples.items()
        for what, values in of.items()
    ]
    return [replace(r, ratio=ratio(r.value, base[r.what.rpartition(": ")[2]])) for r in rows]


def _fastest(samples: dict[str, Samples]) -> tuple[str, str]:
    """The variant with the least seconds of training, and of a pass without gradients."""

    def seconds(name: str, passes: tuple[str, ...]) -> float:
        return sum(float(summary(samples[name][what])["value"]) for what in passes)

    trained = min(samples, key=lambda name: seconds(name, TRAINED))
    used = min(samples, key=lambda name: seconds(name, PASSES[2:]))
    return trained, used
