"""Real processes that train one run together over gloo, for the tests; also the program they run.

Run as a program, it takes a JSON description of what to train and writes what came of it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig, TrainingConfig
from hagan.config.warm_start import WarmStartConfig
from hagan.data.batches import Batch
from hagan.errors import HaganError
from hagan.models.build import build_model
from hagan.training.distributed import World, open_world, this_place
from hagan.training.trainer import Progress, Trainer

TIMEOUT_SECONDS = 60


class Shells:
    """Seven volumes with a ball of another size each, in float64."""

    def __init__(self, batch_size: int, num_classes: int = 0) -> None:
        grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 3, indexing="ij"))
        radius = torch.linspace(0.3, 0.8, 7).view(7, 1, 1, 1)
        self.volumes = torch.tanh(12 * (radius - grid.square().sum(0).sqrt()))[:, None].double()
        self.labels = torch.eye(num_classes)[torch.arange(7) % num_classes] if num_classes else None
        self.batch_size = batch_size

    def at(self, step: int, repeat: int = 0) -> Batch:
        picked = (torch.arange(self.batch_size) + step * self.batch_size + repeat) % 7
        labels = None if self.labels is None else self.labels[picked].double()
        return Batch(volumes=self.volumes[picked], labels=labels)


MEANS = {"body_weight": 1.0, "prior_weight": 0.0}
"""Settings under which every term of HA-GAN is a mean over volumes."""


EVERY_TURN = {
    "warm_start": None,
    "encoder_every": 1,
    "reconstruction_weight_generator": 5.0,
    "gamma_end": 1.0,
}
"""Settings under which every player of HA-GAN has a turn in every step, whatever their number."""


def narrow(name: str, **changes: Any) -> Any:
    model = recipe(name).model
    if hasattr(model, "width"):
        changes["width"] = 8
    if getattr(model, "warm_start", None) is not None:
        changes = EVERY_TURN | changes
    if changes.get("warm_start") is not None:
        # It came as JSON.
        changes["warm_start"] = WarmStartConfig(**changes["warm_start"])
    return replace(model, latent_dim=10, **changes)  # type: ignore[arg-type]


def make_trainer(
    folder: Path,
    *,
    name: str = "hagan-32",
    model: dict[str, Any] | None = None,
    world: World | None = None,
    **training: Any,
) -> Trainer:
    """A trainer in float64 whose initial weights depend on nothing but its settings."""
    settings = {"steps": 3, "batch_size": 3, "save_every": 100, "preview_every": 100} | training
    config = RunConfig(
        name="test",
        model=narrow(name, **(MEANS if model is None else model)),
        training=TrainingConfig(**settings, average_half_life=20.0, log_every=1),
    )
    torch.manual_seed(0)
    gan = build_model(config.model)
    batches = Shells(config.training.batch_size, gan.num_classes)
    return Trainer(gan.double(), config, batches, RunDir(folder), world=world)


def plant(trainer: Trainer, *, fault: str, at: int) -> None:
    """Let the discriminator's loss fail once, at a step."""
    player, left = trainer.players[0], [1]

    def loss(batch: Any) -> Any:
        terms = dict(player.phase.loss(batch))
        if trainer.step == at and left[0]:
            left[0] = 0
            if fault == "memory":
                torch.empty(2**50)
            terms["pair"] = terms["pair"] * float("nan")
        return terms

    trainer.players[0] = replace(player, phase=replace(player.phase, loss=loss))


def main(description: dict[str, Any], out: Path) -> None:
    """Train as one of several processes and write down what came of it."""
    torch.set_num_threads(1)
    place = this_place()
    rank = 0 if place is None else place.rank
    mine = description.get("mine", {}).get(str(rank), {})
    # A folder of its own for each process: only the first one's may ever hold anything.
    folder = Path(description["folder"]) / f"rank-{rank}"
    lines: list[dict[str, Any]] = []
    told: dict[str, Any] = {"lines": lines}
    try:
        with open_world(place, "cpu") as world:
            trainer = make_trainer(folder, world=world, **description["settings"])
            told["resumed"] = trainer.step
            if "fault" in mine:
                plant(trainer, fault=mine["fault"], at=mine["at"])

            def on_step(progress: Progress) -> None:
                lines.append(dict(progress.line or {}))
                if progress.step == mine.get("signal_after"):
                    os.kill(os.getpid(), signal.SIGTERM)
                if progress.step == mine.get("die_after"):
                    os._exit(9)

            trainer.on_step = on_step
            trainer.train()
    except HaganError as error:
        told["error"] = [type(error).__name__, str(error)]
        told["told_elsewhere"] = error.told_elsewhere
    told |= {"step": trainer.step, "roll_backs": trainer.roll_backs}
    told["accumulate"] = trainer.turns.accumulate
    tensors = trainer.averages["average"].tensors
    average = {f"average/{key}": tensor for key, tensor in tensors.items()}
    save_file(trainer.model.state_dict() | average, out.with_suffix(".safetensors"))
    out.write_text(json.dumps(told))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    commands: list[list[str]], *, timeout: float = TIMEOUT_SECONDS, **more: str
) -> list[subprocess.CompletedProcess[str]]:
    """Run a program for each rank at once; a hang ends all of them and fails."""
    port = free_port()
    inherited = [path for path in [os.environ.get("PYTHONPATH")] if path]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "MASTER_"))}
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **kept,
                **more,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(len(commands)),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": "1",
                # Beside what this process was told, so that all test the same checkout.
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *inherited]),
            },
        )
        for rank, command in enumerate(commands)
    ]
    try:
        outputs = [process.communicate(timeout=timeout) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *output)
        for process, output in zip(started, outputs, strict=True)
    ]


def train_together(size: int, folder: Path, **description: Any) -> list[dict[str, Any]]:
    """Train in so many processes; what each of them wrote down, none for one that died."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"settings": {}, "folder": str(folder), **description})
    outs = [folder / f"out-{rank}.json" for rank in range(size)]
    for out in outs:
        out.unlink(missing_ok=True)
    ended = launch([[sys.executable, __file__, text, str(out)] for out in outs])
    told = []
    for out, process in zip(outs, ended, strict=True):
        content = json.loads(out.read_text()) if out.exists() else {}
        told.append(content | {"code": process.returncode, "stderr": process.stderr})
    return told


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))
