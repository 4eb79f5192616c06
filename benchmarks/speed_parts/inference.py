"""Part `inference`: seconds a volume and peak memory, in one pass and slab by slab."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hagan.config.training import RunConfig
from hagan.inference.sampler import Sampler
from hagan.inference.stream import depth_that_fits
from hagan.models.build import build_model
from hagan.models.gan import GAN
from hagan.models.weights import Loaded
from speed_parts.levers import as_plain
from speed_parts.machine import peak_memory
from speed_parts.processes import FailedProcessError, in_own_process
from speed_parts.report import PLAIN, Row, Section, Table, number, ratio, row, summary
from speed_parts.settings import Settings
from speed_parts.timing import Clock
from speed_parts.traced import GIB, fits, generating_peak

PART = "inference"
SIDES = (128, 256, 512)
EXACT_SIDE = 64
"""Where float64 is cheap enough to be held against."""
THIN = 8
"""Slices of a slab there, so that there are several."""

VARIANTS = (PLAIN, "fast", "fast, slab by slab")
PEAK, BEFORE = "peak memory", "before the first volume"

SPEED_GUARD = (256, 0.5)
"""Side, and the ratio to plain that `fast` reaches there at least."""


def measure(settings: Settings) -> Section:
    exact = _exact(settings)
    rows: list[Row] = list(exact)
    body: list[list[str]] = []
    for side in settings.sides or SIDES:
        found = _side(settings, side)
        rows += found
        body += [_cells(found, side, name) for name in VARIANTS]
    clock = Clock(settings.torch_device, settings.threads)
    text = (
        f"Medians over {settings.repeats} processes, one after another by turns, each of which "
        f"makes a volume that does not count and one that does ({clock.kind}). Random weights. "
        "Slab by slab the volume goes to a file. Plain in one pass is not run where it does not "
        "fit the memory."
    )
    head = ("side", "variant", "s a volume", "IQR", "ratio", "peak GiB", "before GiB", "note")
    table = Table(f"Volumes of {settings.recipe}", head, body, text)
    differences = Table(
        f"Largest difference to float64 at side {EXACT_SIDE}",
        ("variant", "difference"),
        [(r.name, number(r.value, 2)) for r in exact],
    )
    return Section(rows, [differences, table])


def _side(settings: Settings, side: int) -> list[Row]:
    """Times and peaks of all variants at one side."""
    config = settings.config(side=side)
    notes = dict.fromkeys(VARIANTS, "")
    for name in VARIANTS[:2]:
        need = generating_peak(config.model, plain=name == PLAIN)
        if not fits(need, settings.device):
            notes[name] = f"not run: needs {need / GIB:.1f} GiB"
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in VARIANTS}
    for _ in range(settings.repeats):
        for name in VARIANTS:
            if notes[name]:
                continue
            try:
                answer = in_own_process("inference", settings, {"name": name, "side": side})
            except FailedProcessError as error:
                notes[name] = f"FAILED: {error}"
                continue
            assert answer is not None
            answers[name].append(answer)
    rows: list[Row] = []
    plain: dict[str, float] = {}
    for name in VARIANTS:
        for what, unit, scale in (("volume", "s", 1), (PEAK, "GiB", GIB), (BEFORE, "GiB", GIB)):
            # A failure leaves fewer answers, which would not compare.
            of = [] if notes[name] else [answer[what] / scale for answer in answers[name]]
            fields: dict[str, Any] = summary(of) if of else {}
            if of and name == PLAIN:
                plain[what] = fields["value"]
            of_plain = ratio(fields.get("value"), plain.get(what))
            rows.append(
                row(
                    *(settings, PART, name, what, unit),
                    **{"side": side, "batch": 1, **fields},
                    ratio=of_plain,
                    note=notes[name],
                    failed=notes[name].startswith("FAILED")
                    or _too_slow(settings, name, what, side, of_plain),
                )
            )
    return rows


def _too_slow(settings: Settings, name: str, what: str, side: int, of_plain: float | None) -> bool:
    guarded_side, most = SPEED_GUARD
    at_size = side == guarded_side and settings.width is None and settings.device == "cpu"
    if not at_size or (name, what) != ("fast", "volume"):
        return False
    return of_plain is not None and of_plain > most


def _cells(rows: list[Row], side: int, name: str) -> list[str]:
    volume, peak, before = (r for r in rows if r.name == name)
    note = volume.note
    if volume.failed and not note:
        note = f"FAILED: more than {SPEED_GUARD[1]:g} of plain"
    return [
        *(str(side), name, number(volume.value), number(volume.iqr, 2), number(volume.ratio)),
        *(number(peak.value), number(before.value), note),
    ]


def work(settings: Settings, task: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of one volume after another, and the most this process held."""
    config = settings.config(side=task["side"])
    device = settings.torch_device
    model = _built(config, plain=task["name"] == PLAIN).to(device)
    sampler = sampler_of(model, config, settings.device, streams="slab" in task["name"])
    before = peak_memory(device)
    clock = Clock(device, settings.threads)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(2):
            with clock.timed() as timing:
                if sampler.streams:
                    with sampler.sample_on_disk(index, seed=0, folder=Path(folder)):
                        pass
                else:
                    with torch.no_grad():
                        sampler.sample(index, seed=0)
    return {"volume": timing.seconds, PEAK: peak_memory(device), BEFORE: before}


def sampler_of(
    model: GAN[Any], config: RunConfig, device: str, *, streams: bool, depth: int | None = None
) -> Sampler:
    """A sampler of a model that no file holds."""
    loaded = Loaded(model, config, step=0, geometry=None, sha256="", path=Path())
    if streams and depth is None:
        depth = depth_that_fits(model, "always", device)
    return Sampler(loaded, device, depth if streams else None)


def _built(config: RunConfig, *, plain: bool) -> GAN[Any]:
    torch.manual_seed(0)
    return build_model(as_plain(config.model) if plain else config.model).eval()


def _exact(settings: Settings) -> list[Row]:
    """How far every variant is from the plain path in float64."""
    config = settings.config(side=EXACT_SIDE)
    latents = torch.randn(1, config.model.latent_dim, generator=torch.Generator().manual_seed(0))
    expected = _volume(_built(config, plain=True).double(), latents.double())
    rows = []
    for name in VARIANTS:
        model = _built(config, plain=name == PLAIN).to(settings.torch_device)
        depth = THIN if "slab" in name else None
        made = _volume(model, latents.to(settings.torch_device), depth)
        gap = float((made.cpu().double() - expected).abs().max())
        rows.append(
            row(
                *(settings, PART, name, "largest difference to float64", ""),
                side=EXACT_SIDE,
                batch=1,
                value=gap,
            )
        )
    return rows


@torch.no_grad()
def _volume(model: GAN[Any], latents: Tensor, depth: int | None = None) -> Tensor:
    if depth is None:
        return model.generate(latents)
    return torch.cat(list(model.generate_slabs(latents, depth=depth)), dim=2)
