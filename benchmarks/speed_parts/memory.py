"""Part `memory`: live peak of a training step as volumes grow, by slabs and by full volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from hagan.config.training import RunConfig
from speed_parts.levers import FAST, Levers
from speed_parts.machine import peak_memory
from speed_parts.processes import FailedProcessError, in_own_process
from speed_parts.report import Row, Section, Table, number, row
from speed_parts.settings import Settings
from speed_parts.subject import Subject
from speed_parts.timing import Clock
from speed_parts.traced import GIB, cost, fits

PART = "memory"
SIDES = (32, 64, 128, 256, 512)
STARTING = 120.0
"""Seconds a process may take beside its steps."""

SERIES: dict[str, tuple[str, bool, bool]] = {
    "slabs, hagan-official": ("hagan-official", False, False),
    "slabs, hagan": ("hagan", False, False),
    "full volumes, plain": ("hagan-official", True, True),
    "full volumes, fast": ("hagan-official", True, False),
}
"""Recipe, whether it is made to see full volumes, and whether on the textbook path."""


def measure(settings: Settings) -> Section:
    rows: list[Row] = []
    body: list[list[str]] = []
    peaks: dict[str, dict[int, float]] = {name: {} for name in SERIES}
    slow: set[str] = set()
    for side in settings.sides or SIDES:
        for name, (recipe, full, plain) in SERIES.items():
            config = config_of(settings, recipe, side, full=full)
            peak = cost(config, settings.device, plain=plain).peak
            peaks[name][side] = peak / GIB
            answer, why = _stepped(settings, name, side, peak, slow)
            seconds = None if answer is None else answer["seconds"]
            measured = None if answer is None else answer["peak"] / GIB
            timed = {"value": seconds, "median": seconds, "note": why}
            timed["failed"] = why.startswith("FAILED")
            rows += [
                row(settings, PART, name, "live peak", "GiB", side=side, value=peak / GIB),
                row(settings, PART, name, "step", "s", side=side, **timed),
                row(settings, PART, name, "process peak", "GiB", side=side, value=measured),
            ]
            figures = (number(value) for value in (peak / GIB, seconds, measured))
            body.append([str(side), name, *figures, why])
    text = (
        "Live peak: weights, gradients, Adam and all tensors of a step, counted on tensors without "
        f"numbers. Steps were timed once ({Clock(settings.torch_device, settings.threads).kind}), "
        f"after one that does not count, where one takes less than {settings.limit:g} s and fits "
        "the memory. From side 512 on slabs come with one doubling more in G^H."
    )
    head = ("side", "variant", "live peak GiB", "step s", "measured peak GiB", "why not timed")
    title = f"Memory of a training step, batch {settings.batch}"
    if settings.folder is not None:
        picture = settings.folder / "memory.png"
        plot(peaks, picture, settings)
        text += f"\n\n![live peak against the side]({picture.name})"
    return Section(rows, [Table(title, head, body, text)])


def config_of(settings: Settings, recipe: str, side: int, *, full: bool) -> RunConfig:
    """A recipe as it is, or as a plain GAN of full volumes with A at a quarter of each side."""
    config = settings.config(recipe=recipe, side=side)
    if not full:
        return config
    model = replace(config.model, high_doublings=2, num_slabs=1, low_branch=False)
    return replace(config, model=model)


def work(settings: Settings, task: Mapping[str, Any]) -> dict[str, float | None]:
    """Seconds of a second step, and the most this process held."""
    recipe, full, plain = SERIES[task["name"]]
    config = config_of(settings, recipe, task["side"], full=full)
    subject = Subject(config, settings.torch_device, torch.float32)
    subject.use(Levers() if plain else FAST)
    clock = Clock(settings.torch_device, settings.threads)
    seconds = sum(subject.step(0, clock).values())
    if seconds <= 2 * settings.limit:
        seconds = sum(subject.step(1, clock).values())
    return {
        "seconds": seconds if seconds <= settings.limit else None,
        "peak": peak_memory(settings.torch_device),
    }


def _stepped(
    settings: Settings, name: str, side: int, peak: int, slow: set[str]
) -> tuple[dict[str, Any] | None, str]:
    """What `work` found, if anything, and why there are no seconds where there are none."""
    late = f"more than {settings.limit:g} s"
    if name in slow:
        return None, late
    if not fits(peak, settings.device):
        return None, "does not fit the memory"
    try:
        answer = in_own_process(
            "memory",
            settings,
            {"name": name, "side": side},
            timeout=3 * settings.limit + STARTING,
        )
    except FailedProcessError as error:
        return None, f"FAILED: {error}"
    if answer is not None and answer["seconds"] is not None:
        return answer, ""
    slow.add(name)
    return answer, late


def plot(peaks: Mapping[str, Mapping[int, float]], path: Path, settings: Settings) -> None:
    """Live peak against the side, both on scales of powers of two."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    styles = ("o-", "s-", "^--", "v--")
    for (name, of), style in zip(peaks.items(), styles, strict=True):
        axes.plot(list(of), list(of.values()), style, label=name)
    sides = sorted({side for of in peaks.values() for side in of})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(sides, [str(side) for side in sides])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("side of the volume (voxels)")
    axes.set_ylabel(f"live peak of a step, batch {settings.batch} (GiB)")
    axes.grid(True, alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
