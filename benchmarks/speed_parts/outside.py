"""Part `outside`: an iteration of the released code, from a checkout, in a process of its own.

Nothing of that code is part of this project. Its networks are taken by the names of their modules
and called as its training script calls them; the losses are written here from their formulas.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from speed_parts.machine import peak_memory
from speed_parts.processes import FailedProcessError, in_own_process
from speed_parts.report import Section, Table, number, row, summary
from speed_parts.settings import Settings
from speed_parts.timing import Clock
from speed_parts.traced import GIB

PART = "outside"
SIDES = (128, 256)
NUM_SLABS, REDUCTION, LATENTS = 8, 4, 1024
PHASES = ("D", "G", "E", "Sub_E")


def measure(settings: Settings) -> Section:
    name = "released code"
    if settings.side not in SIDES or settings.batch < 2:
        why = "FAILED: the released code knows sides 128 and 256, and batches of 2 or more"
        return _failed(settings, name, why)
    try:
        answer = in_own_process("outside", settings, {})
    except FailedProcessError as error:
        return _failed(settings, name, f"FAILED: {error}")
    assert answer is not None
    samples: dict[str, list[float]] = answer["samples"]
    whole = [sum(values) for values in zip(*samples.values(), strict=True)]
    rows = [
        row(settings, PART, name, what, "s", **summary(values))
        for what, values in {"step": whole, **samples}.items()
    ]
    peak = answer["peak"] / GIB
    rows.append(row(settings, PART, name, "process peak", "GiB", value=peak))
    clock = Clock(settings.torch_device, settings.threads)
    table = Table(
        f"One iteration at side {settings.side}, batch {settings.batch}",
        [r.what for r in rows],
        [[number(r.value) for r in rows]],
        f"Medians of {settings.repeats}, {clock.kind}; phases in seconds, memory in GiB.",
    )
    return Section(rows, [table])


def _failed(settings: Settings, name: str, why: str) -> Section:
    rows = [row(settings, PART, name, "step", "s", note=why, failed=True)]
    return Section(rows, [Table(name, ("step",), [[why]])])


def work(settings: Settings, task: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds of each repeat by phase, and the most this process held."""
    assert settings.outside is not None
    device = settings.torch_device
    if device.type != "cuda":
        # The released discriminator asks for CUDA by name.
        Tensor.cuda = _unmoved  # type: ignore[method-assign,assignment]
    sys.path.insert(0, settings.outside)
    released = import_module(f"models.Model_HA_GAN_{settings.side}")
    torch.manual_seed(0)
    game = _Game(released, settings, Clock(device, settings.threads))
    samples: dict[str, list[float]] = {phase: [] for phase in PHASES}
    for turn in range(settings.warm_up + settings.repeats):
        seconds = game.iteration()
        if turn >= settings.warm_up:
            for phase, value in seconds.items():
                samples[phase].append(value)
    return {"samples": samples, "peak": peak_memory(device)}


def _unmoved(tensor: Tensor, *_: object, **__: object) -> Tensor:
    return tensor


class _Game:
    """The four networks, each with its Adam, on random volumes."""

    def __init__(self, released: Any, settings: Settings, clock: Clock) -> None:
        device = settings.torch_device
        self.nets: dict[str, nn.Module] = {
            "G": released.Generator(mode="train", latent_dim=LATENTS),
            "D": released.Discriminator(),
            "E": released.Encoder(),
            "Sub_E": released.Sub_Encoder(latent_dim=LATENTS),
        }
        for net in self.nets.values():
            net.to(device).train()
        rates = {"G": 1e-4, "D": 4e-4, "E": 1e-4, "Sub_E": 1e-4}
        self.adams = {
            name: torch.optim.Adam(net.parameters(), lr=rates[name], betas=(0.0, 0.999))
            for name, net in self.nets.items()
        }
        self.side, self.depth = settings.side, settings.side // NUM_SLABS
        shape = (settings.batch, 1, *(settings.side,) * 3)
        self.real = (torch.rand(shape) * 2 - 1).to(device)
        self.low = self.real[:, :, ::REDUCTION, ::REDUCTION, ::REDUCTION]
        self.clock = clock

    def iteration(self) -> dict[str, float]:
        start = int(torch.randint(self.side - self.depth + 1, ()))
        slab = self.real[:, :, start : start + self.depth]
        losses = {
            "D": self._discriminator,
            "G": self._generator,
            "E": self._encoder,
            "Sub_E": self._sub_encoder,
        }
        seconds = {}
        for name in PHASES:
            for other, net in self.nets.items():
                net.requires_grad_(other == name)
            with self.clock.timed() as timing:
                self.nets[name].zero_grad()
                losses[name](slab, start).backward()  # type: ignore[no-untyped-call]
                self.adams[name].step()
            seconds[name] = timing.seconds
        return seconds

    def _fakes(self, start: int) -> tuple[Tensor, Tensor]:
        codes = torch.randn(len(self.real), LATENTS, device=self.real.device)
        slab, low = self.nets["G"](codes, crop_idx=start, class_label=None)
        return slab, low

    def _discriminator(self, slab: Tensor, start: int) -> Tensor:
        with torch.no_grad():
            fakes = self._fakes(start)
        real, fake = self.nets["D"](slab, self.low, start), self.nets["D"](*fakes, start)
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def _generator(self, slab: Tensor, start: int) -> Tensor:
        return functional.softplus(-self.nets["D"](*self._fakes(start), start)).mean()

    def _encoder(self, slab: Tensor, start: int) -> Tensor:
        return functional.l1_loss(self.nets["G"](self.nets["E"](slab), crop_idx=None), slab)

    def _sub_encoder(self, slab: Tensor, start: int) -> Tensor:
        with torch.no_grad():
            parts = torch.split(self.real, self.depth, dim=2)
            features = torch.cat([self.nets["E"](part) for part in parts], dim=2)
        rebuilt, low = self.nets["G"](self.nets["Sub_E"](features), crop_idx=start)
        return (functional.l1_loss(rebuilt, slab) + functional.l1_loss(low, self.low)) / 2
