"""`hagan plan`: which batch, micro-batches, precision and slabs fit the memory, before training."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from hagan.cli.plan_report import facts, show
from hagan.cli.train import with_settings
from hagan.config.codec import from_json
from hagan.config.recipes import recipe
from hagan.config.training import RunConfig
from hagan.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from hagan.training.plan import Option, Plan, Setting

UNITS = {"": 1, "B": 1}
UNITS |= {f"{letter}B": 1000 ** (n + 1) for n, letter in enumerate("KMGT")}
UNITS |= {f"{letter}IB": 1024 ** (n + 1) for n, letter in enumerate("KMGT")}
"""Bytes of each unit, in capitals."""


@dataclass(frozen=True)
class PlanTraining:
    """Say what fits the memory, and about how long a step takes, before anything is trained."""

    recipe: tyro.conf.Positional[str]
    """Name of a recipe, such as hagan-256, or a config.json."""
    memory: str | None = None
    """What training may take, such as 12GB, 12GiB or 800MiB; by default what is free."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """cpu or cuda, which need not be there; auto takes CUDA where there is any."""
    batch_size: int | None = None
    """Volumes a step, and no others."""
    accumulate: int | None = None
    """Micro-batches of a step, and no others."""
    precision: Literal["fp32", "bf16"] | None = None
    """Numbers of the forward passes, and no others."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE")] = ()
    """Further settings of config.json, such as model.width=32, which stay as they are given."""
    json: bool = False
    """Print as JSON."""

    def run(self) -> int:
        """Plan; returns the exit code."""
        config = self.config()
        given = None if self.memory is None else bytes_of(self.memory)

        from hagan.training.plan import Planner

        device, is_there = self._device()
        memory = given or _free(device, is_there)
        planner = Planner(memory, device=device)
        plan = planner.plan(config, fixed=self._fixed())
        rates = _rates(plan, device) if is_there else {}
        command = self._command(plan.chosen)
        if self.json:
            print(json.dumps(facts(config, device, planner, plan, rates, command), indent=2))
            return 0
        show(config, device, planner, plan, rates, command)
        return 0

    def config(self) -> RunConfig:
        """The recipe with this command's changes.

        Raises:
            BadInputError: A file that is not there.
            UsageError: No such recipe, or settings that do not go together.
        """
        config = named_recipe(self.recipe)
        # Settings first: a batch and micro-batches are checked against each other.
        config = with_settings(config, self.set)
        names = ("batch_size", "accumulate", "precision")
        changes: dict[str, Any] = {
            name: getattr(self, name) for name in names if getattr(self, name) is not None
        }
        return replace(config, training=replace(config.training, **changes))

    def _fixed(self) -> frozenset[Setting]:
        """What was asked for by name and must stay."""
        keys = {assignment.partition("=")[0] for assignment in self.set}
        fixed: set[Setting] = set()
        if self.batch_size is not None or "training.batch_size" in keys:
            fixed.add("batch_size")
        if self.accumulate is not None or "training.accumulate" in keys:
            fixed.add("accumulate")
        if self.precision is not None or "training.precision" in keys:
            fixed.add("precision")
        if "model.num_slabs" in keys:
            fixed.add("num_slabs")
        return frozenset(fixed)

    def _device(self) -> tuple[str, bool]:
        """The kind of device, and whether it is there."""
        import torch

        has_cuda = torch.cuda.is_available()
        if self.device == "auto":
            return ("cuda" if has_cuda else "cpu"), True
        return self.device, self.device == "cpu" or has_cuda

    def _command(self, chosen: Option) -> str:
        """The command line that trains as was chosen."""
        from hagan.training.plan import slabs_of

        training = chosen.config.training
        words = ["hagan", "train", self.recipe, "--store", "STORE", "--run", "RUN"]
        words += ["--batch-size", str(training.batch_size)]
        if training.accumulate > 1:
            words += ["--accumulate", str(training.accumulate)]
        if training.precision != "fp32":
            words += ["--precision", training.precision]
        if self.device != "auto":
            words += ["--device", self.device]
        flags = ("training.batch_size", "training.accumulate", "training.precision")
        settings = [text for text in self.set if text.partition("=")[0] not in flags]
        if chosen.num_slabs is not None and chosen.num_slabs != slabs_of(self.config()):
            settings.append(f"model.num_slabs={chosen.num_slabs}")
        if settings:
            words += ["--set", *settings]
        return shlex.join(words)


def named_recipe(name: str) -> RunConfig:
    """A recipe by name, or the one that a config.json holds.

    Raises:
        BadInputError: There is no such file.
        UsageError: There is no such recipe.
    """
    if not name.endswith(".json"):
        return recipe(name)
    path = Path(name)
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; expected the config.json of a run")
    return from_json(RunConfig, path.read_text(), where=name)


def bytes_of(text: str) -> int:
    """Bytes of a size such as 12GB, 12GiB or 800MiB.

    Raises:
        UsageError: It is no size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", text.strip())
    unit = None if match is None else UNITS.get(match[2].upper())
    if match is None or unit is None or not (size := int(float(match[1]) * unit)):
        raise UsageError(f"--memory {text}: expected a size such as 12GB, 12GiB or 800MiB")
    return size


def _free(device: str, is_there: bool) -> int:
    """What the device has free.

    Raises:
        UsageError: It is not there, or the system does not tell.
    """
    from hagan.inference.memory import free_memory

    free = free_memory(device) if is_there else None
    if free is None:
        why = "the system does not tell what is free" if is_there else f"there is no {device} here"
        raise UsageError(f"{why}; give --memory, such as --memory 12GB")
    return free


def _rates(plan: Plan, device: str) -> dict[str, float]:
    """Operations a second of each precision that was looked at."""
    from hagan.training.rate import measured_rate

    looked_at = [*plan.considered, plan.chosen]
    precisions = sorted({option.config.training.precision for option in looked_at})
    return {name: measured_rate(device, precision=name) for name in precisions}
