"""How fast and in how much memory hagan trains and generates, against its own textbook path.

Parts:

- step: a training step phase by phase, each lever pulled in turn, after all were held equal;
- saved: bytes saved for backward and operations by phase, counted without computing;
- inference: seconds a volume and peak memory, in one pass and slab by slab;
- memory: live peak of a step as volumes grow, by slabs and by full volumes, with a plot;
- layers: the doubling convolutions in each of their forms;
- slabs: how far slabs lie from the same slabs of the whole volume, and the seams between them;
- outside: an iteration of the released code, from a checkout that --outside names.

    OMP_NUM_THREADS=1 python benchmarks/speed.py step saved --recipe hagan-official --side 128

The exit code is 1 where a variant computes something else than the plain path, or fails.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

import torch
from speed_parts import processes
from speed_parts.machine import facts
from speed_parts.report import Section, facts_table, print_section, write
from speed_parts.settings import Settings

from hagan.config.recipes import FAMILIES
from hagan.errors import HaganError

PARTS = {
    "step": "step",
    "saved": "saved",
    "inference": "inference",
    "memory": "memory",
    "layers": "layers",
    "slabs": "slabs",
    "outside": "outside",
}
"""Each with its module."""


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] == processes.WORKER:
        processes.work(arguments[1])
        return 0
    parts, settings = parsed(arguments)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    known = facts(settings, arguments)
    print(facts_table(known), end="\n\n", flush=True)
    sections: dict[str, Section] = {}
    for part in parts:
        print(f"## {part}\n", flush=True)
        sections[part] = import_module(f"speed_parts.{PARTS[part]}").measure(settings)
        print_section(sections[part])
        if settings.folder is not None:
            # After each part, so that none is lost with a later one.
            written = write(settings.folder, "speed", known, sections)
            print(", ".join(map(str, written)), end="\n\n", flush=True)
    return int(any(section.failed for section in sections.values()))


def parsed(arguments: list[str]) -> tuple[list[str], Settings]:
    """Parts and settings of a command line."""
    default = Settings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("parts", metavar="PART", nargs="+", choices=list(PARTS), help=", ".join(PARTS))
    add("--recipe", choices=list(FAMILIES), default=default.recipe, help="without its side")
    add("--side", type=int, default=default.side)
    add("--batch", type=int, default=default.batch)
    add("--width", type=int, help="channels of A in place of the recipe's, to try the command")
    add("--sides", type=int, nargs="+", help="of saved, inference and memory")
    add("--threads", type=int, default=1, help=f"of this machine's {os.cpu_count()}")
    add("--repeats", type=int, help="that count; by default 5, and 30 on CUDA")
    add("--warm-up", type=int, help="repeats before them; by default 1, and 10 on CUDA")
    add("--device", default=default.device, help="cpu or cuda")
    add("--limit", type=float, default=default.limit, help="seconds of a step in memory")
    add("--out", help="folder for speed.json, speed.md and memory.png")
    add("--outside", help="a checkout of the released code")
    given = parser.parse_args(arguments)
    on_gpu = torch.device(given.device).type == "cuda"
    if on_gpu and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; leave --device out to measure on the CPU")
    if "outside" in given.parts and not (given.outside and Path(given.outside).is_dir()):
        parser.error("the part outside needs --outside PATH, a checkout of the released code")
    if given.repeats is None:
        given.repeats = 30 if on_gpu else default.repeats
    if given.warm_up is None:
        given.warm_up = 10 if on_gpu else default.warm_up
    if min(given.repeats, given.threads, given.batch) < 1 or given.warm_up < 0:
        parser.error("--repeats, --threads and --batch must be at least 1, --warm-up not negative")
    values = vars(given)
    parts = list(dict.fromkeys(values.pop("parts")))
    values["sides"] = None if given.sides is None else tuple(given.sides)
    settings = Settings(**values)
    try:
        for side in (settings.side, *(settings.sides or ())):
            settings.config(side=side)
    except HaganError as error:
        parser.error(str(error))
    return parts, settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
