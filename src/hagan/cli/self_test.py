"""`hagan evaluate --self-test`: faults planted in phantoms, and who notices them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.cli.evaluate import Display, Evaluate
    from hagan.evaluation.self_test import Reaction, SelfTest
    from hagan.evaluation.sets import VolumeSet

COUNT = 200
RESULT = "self-test.json"


def run_self_test(flags: Evaluate) -> int:
    """Run the suite on thorax phantoms; returns the exit code."""
    from hagan.cli.evaluate import Display
    from hagan.cli.instruments import instruments
    from hagan.data.protocols import THORAX_WINDOW
    from hagan.evaluation.self_test import self_test

    if flags.fakes or flags.real is not None:
        raise UsageError("--self-test makes phantoms of its own; leave FAKE and --real out")
    console = Console(highlight=False, soft_wrap=True, quiet=flags.json)
    display = Display(console)
    count = flags.count or COUNT
    if count < 10:
        raise UsageError("--count of a self-test is at least 10; from 200 its verdict counts")
    volumes = phantoms(flags.out / "phantoms", 3 * count, flags, display)
    window = THORAX_WINDOW.low, THORAX_WINDOW.high
    facts = {"resampling": "none", "window": f"{window[0]:g} to {window[1]:g}"}
    with display.sets() as (begin, tick):
        found = self_test(
            volumes,
            instruments(flags, window),
            flags.config(),
            facts,
            on_begin=begin,
            on_progress=tick,
        )
    write(found, flags.out, flags.command)
    if flags.json:
        print(json.dumps(plain(found, flags.command), indent=2))
        return 0
    show(found, console)
    console.print(f"\nwrote {flags.out / 'self-test.html'}, {RESULT} and self-test.md")
    return 0


def phantoms(folder: Path, count: int, flags: Evaluate, display: Display) -> VolumeSet:
    """A cohort of thorax phantoms, made or gone on with."""
    from hagan.data.phantom.cohort import Member, write_cohort
    from hagan.data.pool import default_workers
    from hagan.data.protocols import THORAX_WINDOW
    from hagan.evaluation.folders import FolderSource
    from hagan.evaluation.sources import Grid

    with display.counting("phantoms", count) as tick:

        def told(_: Member) -> None:
            tick()

        members = write_cohort(
            "thorax",
            folder,
            count=count,
            side=flags.side,
            seed=flags.seed,
            workers=default_workers(),
            on_progress=told,
        )
    with display.counting("reading phantoms", len(members)) as tick:
        source = FolderSource.survey(folder, tick)
    return source.volumes("phantoms", Grid((flags.side,) * 3, THORAX_WINDOW))


def write(found: SelfTest, out: Path, command: str) -> None:
    """self-test.html, .md and .json, the last one last."""
    from hagan.data.files import write_bytes_atomically
    from hagan.evaluation.reactions import markdown, page

    write_bytes_atomically(out / "self-test.html", page(found, command).html().encode())
    write_bytes_atomically(out / "self-test.md", markdown(found, command).encode())
    text = json.dumps(plain(found, command), indent=2, allow_nan=False) + "\n"
    write_bytes_atomically(out / RESULT, text.encode())


def plain(found: SelfTest, command: str) -> dict[str, Any]:
    """What JSON holds: verdicts by extractor, in the form of the packaged table, and reactions."""
    from hagan import __version__
    from hagan.evaluation.fitness import extractor_key

    def numbers(reaction: Reaction) -> dict[str, float | bool]:
        return {
            "value": reaction.value,
            "floor": reaction.floor,
            "deviations": round(reaction.deviations, 3),
            "noticed": reaction.noticed,
        }

    return {
        "hagan_version": __version__,
        "command": command,
        "fitness": {
            extractor_key(definition): {
                "extractor": name,
                "count": found.count,
                "side": found.side,
                "missed": found.missed(name),
            }
            for name, definition in found.definitions.items()
        },
        "reactions": {
            heading: {
                metric: {fault: numbers(reaction) for fault, reaction in items.items()}
                for metric, items in metrics.items()
            }
            for heading, metrics in found.reactions.items()
        },
    }


SHOWN = (
    *("fid", "fid_components", "kid", "mmd", "precision", "recall", "coverage"),
    *("self_neighbour", "memorised", "sharpness", "seam_gradient", "ms_ssim"),
)
"""What the console tells; the page tells all."""


def show(found: SelfTest, console: Console) -> None:
    """Reactions in standard deviations of the floor; an asterisk where a fault was noticed."""
    from hagan.cli.results import print_aligned
    from hagan.evaluation.reactions import reaction_text

    for heading, metrics in found.reactions.items():
        chosen = [metric for metric in SHOWN if metric in metrics]
        rows = [
            [
                fault,
                *(
                    reaction_text(metrics[metric][fault]) + "*" * metrics[metric][fault].noticed
                    for metric in chosen
                ),
            ]
            for fault in found.planted
        ]
        print_aligned(console, f"{heading}: deviations from the floor", ["", *chosen], rows)
    console.print("* noticed")
    for name in found.definitions:
        missed = found.missed(name)
        verdict = f"unfit for headlines: blind to {', '.join(missed)}" if missed else "fit"
        console.print(f"{name}: {verdict}", markup=False)
