"""What `hagan plan` found, as tables for a person and as plain values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from hagan.config.training import RunConfig

if TYPE_CHECKING:
    from hagan.training.plan import Option, Plan, Planner


def _seconds(option: Option, rates: dict[str, float]) -> float | None:
    rate = rates.get(option.config.training.precision)
    return None if rate is None else option.cost.flops / rate


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f}"


def _row(option: Option, rates: dict[str, float]) -> dict[str, Any]:
    training = option.config.training
    return {
        "batch_size": training.batch_size,
        "accumulate": training.accumulate,
        "precision": training.precision,
        "num_slabs": option.num_slabs,
        "peak_bytes": option.cost.peak,
        "needed_bytes": option.needed,
        "flops": option.cost.flops,
        "seconds": _seconds(option, rates),
        "fits": option.fits,
    }


def facts(
    config: RunConfig,
    device: str,
    planner: Planner,
    plan: Plan,
    rates: dict[str, float],
    command: str,
) -> dict[str, Any]:
    """The plan in plain values, for JSON.

    Args:
        config: What was asked for.
        device: `cpu` or `cuda`.
        planner: Knows the memory and what is beside the tensors.
        plan: What it found.
        rates: Operations a second by precision; empty where the device is not there.
        command: The command line that trains as was chosen.
    """
    overhead, chosen = planner.overhead, plan.chosen
    return {
        "recipe": config.name,
        "device": device,
        "memory_bytes": planner.memory,
        "overhead": {
            "fixed_bytes": overhead.fixed,
            "share_of_peak": overhead.share,
            "measured": overhead.measured,
            "about": overhead.about,
        },
        "flops_per_second": rates,
        "considered": [_row(option, rates) for option in plan.considered],
        "chosen": {
            **_row(chosen, rates),
            "states_bytes": chosen.cost.states,
            "phases": [
                {
                    "name": phase.name,
                    "peak_bytes": phase.peak,
                    "saved_bytes": phase.saved,
                    "flops": phase.flops,
                }
                for phase in chosen.cost.phases
            ],
        },
        "largest_batch_at_once": None if plan.largest is None else _row(plan.largest, rates),
        "command": command,
    }


def show(
    config: RunConfig,
    device: str,
    planner: Planner,
    plan: Plan,
    rates: dict[str, float],
    command: str,
) -> None:
    """Print what was looked at, what was chosen, and what the figures mean; see `facts`."""
    console = Console(highlight=False, soft_wrap=True)
    shape = " x ".join(map(str, config.model.volume_shape))
    console.print(f"{config.name}: {shape}, {_gib(planner.memory)} GiB on {device}")
    console.print("\nlooked at (parts are micro-batches of a step):")
    console.print(_considered(plan, rates))
    console.print("the chosen one, turn by turn (saved is what waits for the backward pass):")
    console.print(_phases(plan.chosen))
    overhead = planner.overhead
    console.print(
        f"needed is the peak of the tensors that are alive, {_gib(overhead.fixed)} GiB and "
        f"{overhead.share:.0%} of the peak: {overhead.about}"
    )
    if rates:
        speeds = ", ".join(f"{rate / 1e9:.3g} GFLOP/s in {name}" for name, rate in rates.items())
        console.print(
            "seconds are an estimate, for a step in which every player moves: its operations at "
            f"the rate of a few convolutions measured now ({speeds})"
        )
    else:
        console.print(f"there is no {device} here to measure seconds on")
    if plan.largest is not None:
        batch = plan.largest.config.training.batch_size
        console.print(f"the largest batch found to fit at once is {batch}")
    console.print(f"train: {command}", markup=False)


def _considered(plan: Plan, rates: dict[str, float]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False, collapse_padding=True)
    names = ("batch", "parts", "precision", "slabs", "peak GiB", "needed GiB", "s/step", "")
    for name in names:
        table.add_column(name, no_wrap=True)
    for option in plan.considered:
        training = option.config.training
        seconds = _seconds(option, rates)
        verdict = "fits" if option.fits else "too large"
        table.add_row(
            str(training.batch_size),
            str(training.accumulate),
            training.precision,
            "-" if option.num_slabs is None else str(option.num_slabs),
            _gib(option.cost.peak),
            _gib(option.needed),
            "-" if seconds is None else f"{seconds:.3g}",
            "chosen" if option is plan.chosen else verdict,
        )
    return table


def _phases(option: Option) -> Table:
    table = Table("player", "peak GiB", "saved GiB", "GFLOP", box=SIMPLE)
    for phase in option.cost.phases:
        table.add_row(phase.name, _gib(phase.peak), _gib(phase.saved), f"{phase.flops / 1e9:.1f}")
    return table
