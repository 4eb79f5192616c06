"""`hagan submit`: train as a SLURM job that saves and goes on when its time is up."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from hagan.cli.run_record import open_store, same_inputs
from hagan.cli.train import Train, open_dataset
from hagan.config.run_dir import RunDir
from hagan.errors import UsageError

SAVE_SECONDS = 120
"""Before the time is up, for the step to be finished and everything to be saved."""

SCRIPT = """\
#!/bin/bash
# Written by `hagan submit`. Trains in one process a GPU; a run that was begun goes on.
{directives}

MASTER_ADDR="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
MASTER_PORT="$((20000 + SLURM_JOB_ID % 10000))"
export MASTER_ADDR MASTER_PORT OMP_NUM_THREADS={threads}

# SLURM sends USR1 to this script {seconds} s before the time is up. The processes get TERM, finish
# their step and save; then the job queues again and goes on.
time_is_up=0
wait_again=0
save() {{
    time_is_up=1
    wait_again=1
    scancel --signal=TERM "$SLURM_JOB_ID"
}}
trap save USR1

srun --cpus-per-task={cpus} --kill-on-bad-exit=1 \\
    {command} &
step="$!"
while :; do
    wait_again=0
    wait "$step"
    code="$?"
    [ "$wait_again" = 1 ] || break
done

case "$time_is_up/$code" in
    # 130: stopped and saved. 137, 143: ended by SLURM before that; the newest checkpoint counts.
    1/130 | 1/137 | 1/143) scontrol requeue "$SLURM_JOB_ID" ;;
esac
exit "$code"
"""


@dataclass(frozen=True)
class Submit:
    """Train a recipe as a SLURM job; the job queues again until the last step is done."""

    recipe: tyro.conf.Positional[str]
    """Name of a recipe, such as hagan-64, or the config.json of a run."""
    store: Path | None = None
    """Store that `hagan prepare` made; a run that was begun remembers its own."""
    folder: Annotated[Path | None, tyro.conf.arg(name="run")] = None
    """Folder of the run, which every node must reach; logs go into its folder logs."""
    train: str = ""
    """Further flags of `hagan train` in one word, such as --train="--batch-size 8 --steps 1000"."""
    nodes: int = 1
    """Machines."""
    gpus: int = 1
    """GPUs of each machine, with one process for each; 0 trains in one process on its CPU."""
    cpus: int = 8
    """CPU cores of each process."""
    time: str = "24:00:00"
    """How long the job may run before it saves and queues again, as SLURM writes it."""
    partition: str | None = None
    """Partition of the cluster, instead of its default."""
    account: str | None = None
    """Account that pays, where the cluster asks for one."""
    memory: str | None = None
    """Memory of each machine, such as 64G, instead of the cluster's default."""
    dry_run: bool = False
    """Print the script, and neither write nor submit anything."""

    def run(self) -> int:
        """Write the script and submit it; returns the exit code."""
        command = self.command()
        run = RunDir(command.run_dir().path.resolve())
        script = self.script(command, run)
        if self.dry_run:
            print(script, end="")
            return 0
        sbatch = shutil.which("sbatch")
        if sbatch is None:
            raise UsageError(
                "no sbatch on the PATH: submit from a login node of the cluster, see the script "
                "with --dry-run, or train here with `hagan train`"
            )
        from hagan.data.files import make_folder, write_bytes_atomically

        make_folder(run.path / "logs")
        path = run.path / "submit.sh"
        write_bytes_atomically(path, script.encode())
        answer = subprocess.run([sbatch, str(path)], capture_output=True, text=True, check=False)
        if answer.returncode:
            said = " ".join((answer.stderr or answer.stdout).split())
            raise UsageError(f"sbatch refused {path}: {said}")
        print(f"{answer.stdout.strip()}; the script is {path}")
        print(f"next: look at {run.path / 'logs'} and {run.metrics}; `scancel` ends the job")
        return 0

    def command(self) -> Train:
        """The `hagan train` that each process runs, its recipe, store and flags tried before.

        Raises:
            UsageError: A value cannot stand in a script, or the recipe does not fit the store or
                the number of processes.
        """
        self._refuse_what_no_script_can_hold()
        arguments = [self.recipe]
        if self.store is not None:
            arguments += ["--store", str(self.store)]
        if self.folder is not None:
            arguments += ["--run", str(self.folder)]
        try:
            more = shlex.split(self.train)
        except ValueError as error:
            raise UsageError(f"--train {self.train}: {error}; close what was opened") from error
        command = tyro.cli(Train, args=[*arguments, *more], prog="hagan train")
        run = command.run_dir()
        store = open_store(command.store, run)
        config = command.config(run, store)
        # What would end the job in its first minute, perhaps days from now, ends here.
        open_dataset(store, config, run)
        same_inputs(run, config, store)
        processes = self.nodes * max(self.gpus, 1)
        if config.training.batch_size < processes:
            raise UsageError(
                f"{processes} processes cannot share batches of {config.training.batch_size}; "
                f'take fewer, or --train="--batch-size {processes}"'
            )
        return command

    def script(self, command: Train, run: RunDir) -> str:
        """What sbatch takes.

        Args:
            command: As `command` gives it.
            run: The run's folder, its path from the root.

        Raises:
            UsageError: The run's path has characters that sbatch does not take.
        """
        # sbatch reads its own lines of the script, by rules that are not the shell's.
        if not str(run.path).isprintable() or re.search(r'["\\]', str(run.path)):
            raise UsageError(
                f"--run {str(run.path)!r}: sbatch takes no path with quotes, backslashes or "
                "control characters; take another folder"
            )
        recipe = command.recipe
        if recipe.endswith(".json"):
            recipe = str(Path(recipe).resolve())
        words = [sys.executable, "-m", "hagan", "train", recipe]
        if command.store is not None:
            words += ["--store", str(command.store.resolve())]
        words += ["--run", str(run.path), *shlex.split(self.train)]
        name = re.sub(r"[^\w.-]+", "-", run.path.name)
        log = str(run.path / "logs").replace("%", "%%")
        options = {
            "job-name": f"hagan-{name}",
            "nodes": self.nodes,
            "ntasks-per-node": max(self.gpus, 1),
            "gpus-per-node": self.gpus or None,
            "cpus-per-task": self.cpus,
            "mem": self.memory,
            "time": self.time,
            "partition": self.partition,
            "account": self.account,
            "output": f'"{log}/%j.out"',
            "open-mode": "append",
            "signal": f"B:USR1@{SAVE_SECONDS}",
        }
        lines = [f"#SBATCH --{key}={value}" for key, value in options.items() if value is not None]
        return SCRIPT.format(
            directives="\n".join([*lines, "#SBATCH --requeue"]),
            threads=self.cpus,
            cpus=self.cpus,
            seconds=SAVE_SECONDS,
            command=shlex.join(words),
        )

    def _refuse_what_no_script_can_hold(self) -> None:
        for flag, text in (
            ("RECIPE", self.recipe),
            ("--store", str(self.store or "")),
            ("--run", str(self.folder or "")),
            ("--train", self.train),
        ):
            if not text.isprintable():
                raise UsageError(f"{flag} {text!r} must be one line of printable characters")
        for flag, value in (("--partition", self.partition), ("--account", self.account)):
            if value is not None and not re.fullmatch(r"[\w.,:@+-]+", value):
                raise UsageError(f"{flag} {value!r} must be letters, digits and .,:@+-")
        if self.memory is not None and not re.fullmatch(r"\d+[KMGT]?", self.memory):
            raise UsageError(f"--memory {self.memory!r} must look like 64G")
        if not re.fullmatch(r"\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2}", self.time):
            raise UsageError(f"--time {self.time!r} must look like 24:00:00 or 2-12:00:00")
        for flag, number, least in (
            ("--nodes", self.nodes, 1),
            ("--gpus", self.gpus, 0),
            ("--cpus", self.cpus, 1),
        ):
            if number < least:
                raise UsageError(f"{flag} must be at least {least}")
