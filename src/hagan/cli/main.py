"""`hagan`: one command line; each command's module is imported only when it is asked for."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hagan import __version__
from hagan.errors import DiskError, HaganError
from hagan.training.place import speaks

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:Demo", "the main job from nothing to a report, on phantoms"),
    "doctor": ("doctor:Doctor", "what was found on this machine"),
    "phantom": ("phantom:Phantom", "a cohort of phantoms with known truth"),
    "check": ("check:Check", "look at scans without writing anything"),
    "prepare": ("prepare:Prepare", "scans to a store"),
    "plan": ("plan:PlanTraining", "what fits the memory, and how long a step takes"),
    "train": ("train:Train", "train a recipe on a store; the same command resumes"),
    "plot": ("plot:Plot", "losses of a run as a picture"),
    "submit": ("submit:Submit", "train as a SLURM job that goes on when its time is up"),
    "generate": ("generate:Generate", "new volumes from a run"),
    "encode": ("encode:Encode", "latent codes of scans"),
    "reconstruct": ("reconstruct:Reconstruct", "scan to code to volume"),
    "regions": ("regions:Regions", "lungs, airways and bone, or brain and ventricles, measured"),
    "direction": ("direction:Direction", "the way in latent space along which something grows"),
    "traverse": ("traverse:Traverse", "volumes along a direction, measured"),
    "evaluate": ("evaluate:Evaluate", "judge generated volumes against real ones"),
    "compare": ("compare:Compare", "methods over folds, with tests"),
    "experiment": ("experiment:Experiment", "the paper's tables and figures"),
    "serve": ("serve:Serve", "look at runs, volumes and new samples in a browser"),
    "card": ("card:WriteCard", "the model card of a run, with its figures"),
    "export": ("export:Export", "a model for other programs: safetensors, ONNX, a hub's folder"),
    "info": ("info:Info", "what a recipe, run, store, weights file or scan is"),
    "completion": ("completion:Completion", "completion of commands and flags in your shell"),
    "import-official": ("import_official:ImportOfficial", "the authors' released checkpoints"),
}
"""Each command's class below `hagan.cli`, and what it does."""

DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)

CODES = """\
exit codes: 0 ok, 1 the demo's own check failed, 2 usage, 3 bad input, 4 out of memory, 5 disk,
6 training diverged, 7 unsafe file refused, 8 another of its processes is gone,
130 interrupted and saved"""


@runtime_checkable
class Command(Protocol):
    """A parsed command line."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        ...


def parse(arguments: list[str]) -> Command:
    """The command that a command line names, with its flags.

    Args:
        arguments: Without the program's name.

    Raises:
        SystemExit: Help was asked for, or the command line is wrong (code 2).
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        raise SystemExit(0)
    if arguments[0] == "--version":
        print(f"hagan {__version__}")
        raise SystemExit(0)
    name = arguments[0]
    if name not in COMMANDS:
        print(f"hagan: no command is called {name!r}; `hagan --help` lists them", file=sys.stderr)
        raise SystemExit(2)
    import tyro

    module, _, kind = COMMANDS[name][0].partition(":")
    command: Any = getattr(importlib.import_module(f"hagan.cli.{module}"), kind)
    parsed: Command = tyro.cli(command, prog=f"hagan {name}", args=_set_together(arguments[1:]))
    return parsed


def _set_together(arguments: list[str]) -> list[str]:
    """The settings of every --set behind one, since tyro would keep those of the last alone."""
    others: list[str] = []
    settings: list[str] = []
    is_setting = False
    for argument in arguments:
        is_setting = argument == "--set" or (is_setting and not argument.startswith("-"))
        (settings if is_setting else others).append(argument)
    settings = [setting for setting in settings if setting != "--set"]
    return [*others, "--set", *settings] if settings else arguments


def _parsed_by_all(arguments: list[str]) -> Command:
    """`parse`; of several processes with one command line the first one tells what is wrong."""
    if speaks(os.environ):
        return parse(arguments)
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        return parse(arguments)


def usage() -> str:
    """The list of commands."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            f"hagan {__version__}: hierarchical GANs for 3D medical images",
            "",
            "usage: hagan COMMAND [flags]; `hagan COMMAND --help` shows them",
            "",
            *lines,
            "",
            CODES,
        ]
    )


def main() -> None:
    """Entry point of the `hagan` program."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line; what a user can cause ends in one line and its exit code."""
    try:
        try:
            return _parsed_by_all(arguments).run()
        finally:
            # Here, so that a reader which is gone is met below and not by Python at exit.
            sys.stdout.flush()
    except HaganError as error:
        if not error.told_elsewhere:
            print(f"hagan: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print("hagan: out of memory; take a smaller batch or side", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("hagan: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has what it wanted.
        _forget_output()
        return 0
    except OSError as error:
        if error.errno not in DISK_FAULTS:
            raise
        where = error.filename or "the output"
        if error.filename is None:
            _forget_output()
        print(f"hagan: {where}: {error.strerror}; look at space and permissions", file=sys.stderr)
        return DiskError.exit_code
    except RuntimeError as error:
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        print(f"hagan: out of memory: {str(error).splitlines()[0]}", file=sys.stderr)
        return 4


def _forget_output() -> None:
    """Drop what could not be written, so that Python does not try again, and complain, at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
