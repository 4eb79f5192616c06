"""`hagan train`: train a recipe on a store; the same command goes on where it stopped."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from hagan.cli.origin import origin_of
from hagan.cli.run_record import open_store, same_inputs, write_inputs
from hagan.config.codec import from_json, from_plain, to_plain
from hagan.config.models import conditions_of
from hagan.config.recipes import recipe
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from hagan.data.dataset import VolumeDataset
    from hagan.data.store import Store


@dataclass(frozen=True)
class Train:
    """Train a recipe on a store; the same command goes on where it stopped."""

    recipe: tyro.conf.Positional[str]
    """Name of a recipe, such as hagan-64, or the config.json of a run."""
    store: Path | None = None
    """Store that `hagan prepare` made; a run that was begun remembers its own."""
    folder: Annotated[Path | None, tyro.conf.arg(name="run")] = None
    """Folder of the run; the config.json's own folder if that is the recipe."""
    start_from: Path | None = None
    """A run, or a weights file of hagan: a new run begins with its generator and encoder."""
    fold: str | None = None
    """i/n: hold back the subjects of fold i of n, such as 0/5."""
    steps: int | None = None
    """Training steps, instead of the recipe's."""
    minutes: float | None = None
    """End before that once the steps have taken so many minutes."""
    until: float = 1.0
    """Stop, saved, when this share of the run is done; the same command with more goes on."""
    batch_size: int | None = None
    """Volumes a step over all processes, instead of the recipe's."""
    accumulate: int | None = None
    """Micro-batches of each process's volumes of a step, instead of the recipe's."""
    seed: int | None = None
    """Seed, instead of the recipe's."""
    precision: Literal["fp32", "bf16"] | None = None
    """Numbers of the forward passes, instead of the recipe's."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    resident: Literal["auto", "always", "never"] = "auto"
    """Hold all scans in the device's memory; auto does on CUDA where a quarter of it suffices."""
    prefetch: int | None = None
    """Batches to read ahead where scans are not held; by default 2 on a GPU and 0 on a CPU."""
    conditional: bool = False
    """Train the class-conditional form on the store's labels."""
    tune: Literal["auto", "always", "never"] = "auto"
    """Time the forms of layers that have several before a new run; auto: on CUDA."""
    compile: Literal["no", "default", "reduce-overhead"] = "no"
    """torch.compile for the networks that make and encode volumes; the last with CUDA graphs."""
    tensorboard: bool = True
    """Also write TensorBoard events, where it is installed."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE")] = ()
    """Further settings of config.json, such as model.width=32 training.save_every=100."""

    def run_dir(self) -> RunDir:
        """The run's folder."""
        if self.folder is not None:
            return RunDir(self.folder)
        if self.recipe.endswith(".json"):
            return RunDir(Path(self.recipe).parent)
        raise UsageError("name the run's folder with --run")

    def run(self) -> int:
        """Train; returns the exit code."""
        import torch

        from hagan.cli.display import TrainingDisplay
        from hagan.cli.feeding import choose_to_hold, feeding
        from hagan.models.build import build_model
        from hagan.models.transfer import begin_with
        from hagan.training.compiled import compile_networks
        from hagan.training.distributed import open_world, own_device, this_place
        from hagan.training.schedule import step_seed
        from hagan.training.trainer import Trainer

        place = this_place()
        with open_world(place, self.device) as world, ExitStack() as shown:
            with world.agreed():
                run = self.run_dir()
                store = open_store(self.store, run)
                config = self.config(run, store)
                dataset = open_dataset(store, config, run)
                device = own_device(pick_device(self.device), place)
                scans = same_inputs(run, config, store)
                held = choose_to_hold(dataset, device, self.resident)
                torch.manual_seed(step_seed(config.training.seed, -1))
                model = build_model(config.model)
                origin = origin_of(run, self.start_from)
                if origin is not None and origin.loaded is not None:
                    begin_with(model, config.model, origin.loaded)
                record = None if origin is None else origin.record
            world.from_first(lambda: write_inputs(run, config, store, scans, record))
            batches = shown.enter_context(
                feeding(dataset, config.training, device, held=held, prefetch=self.prefetch)
            )
            compile_networks(model.to(device), self.compile, torch.device(device))
            display = None
            if world.is_first:
                display = shown.enter_context(TrainingDisplay(run, config.training.steps))
            trainer = Trainer(
                model,
                config,
                batches,
                run,
                geometry=geometry_of(dataset),
                device=device,
                on_step=None if display is None else display.update,
                tensorboard=self.tensorboard,
                world=world,
                until=self.until,
                tune=self.tune == "always" or (self.tune == "auto" and device.startswith("cuda")),
            )
            if display is not None:
                where = device if world.size == 1 else f"{device} in {world.size} processes"
                where += ", which holds all scans" if held else ""
                where += f", begun with weights of {record['weights']}" if record else ""
                display.begin(config, dataset, where, trainer.step)
            trainer.train()
        if display is not None:
            display.end(trainer.step)
        return 0

    def config(self, run: RunDir, store: Store) -> RunConfig:
        """The recipe with this command's changes; a run that was begun keeps what it has."""
        if self.prefetch is not None and self.prefetch < 0:
            raise UsageError(f"--prefetch {self.prefetch} must be 0 or more batches")
        if not 0 < self.until <= 1:
            raise UsageError(f"--until {self.until:g} is a share of the run: above 0, at most 1")
        if self.recipe.endswith(".json"):
            path = Path(self.recipe)
            if not path.is_file():
                raise BadInputError(f"{path}: no such file; expected the config.json of a run")
            config = from_json(RunConfig, path.read_text(), where=str(path))
        else:
            config = recipe(self.recipe)
        if self.conditional:
            if all(field.name != "num_classes" for field in fields(config.model)):
                raise UsageError(
                    f"{config.name} has no class-conditional form; take an HA-GAN or an alpha-GAN, "
                    "or train without --conditional"
                )
            classes = len(store.geometry.class_names)
            if classes < 2:
                raise UsageError(
                    f"{store.path} has no class labels; prepare it with --labels and "
                    "--label-column, or train without --conditional"
                )
            config = config.with_model(num_classes=classes)
        changes = {
            name: getattr(self, name)
            for name in ("steps", "minutes", "batch_size", "accumulate", "seed", "precision")
            if getattr(self, name) is not None
        }
        config = replace(config, training=replace(config.training, **changes))
        if self.fold is not None:
            config = replace(config, fold=self.fold)
        config = with_settings(config, self.set)
        shape = tuple(store.volume_shape)
        if shape != config.model.volume_shape:
            raise UsageError(
                f"{store.path} holds volumes of {shape}, {config.name} makes "
                f"{config.model.volume_shape}; take the recipe of that side or prepare the "
                "scans again"
            )
        return config


def with_settings(config: RunConfig, assignments: tuple[str, ...]) -> RunConfig:
    """The configuration with `section.key=value` put in; values are JSON or plain words."""
    plain = to_plain(config)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        *sections, key = path.split(".")
        target = plain
        for section in sections:
            target = target.get(section, {}) if isinstance(target, dict) else {}
        if not equals or not isinstance(target, dict) or key not in target:
            raise UsageError(
                f"--set {assignment}: no such setting; expected KEY=VALUE with a key of "
                "config.json, such as model.width=32"
            )
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = _words(text)
        if isinstance(value, dict) and isinstance(target[key], dict):
            # What is not named stays; a part that was not there gets its defaults.
            value = target[key] | value
        target[key] = value
    try:
        return from_plain(RunConfig, plain, where="--set", complete=False)
    except BadInputError as error:
        raise UsageError(str(error)) from error


def _words(text: str) -> str | list[str]:
    """A plain word, or a list of them as in [age,sex], which JSON would want in quotes."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return [word.strip() for word in text[1:-1].split(",")]


def open_dataset(store: Store, config: RunConfig, run: RunDir) -> VolumeDataset:
    """The scans to train on."""
    from hagan.data.dataset import Fold, VolumeDataset

    fold = None if config.fold is None else Fold.parse(config.fold)
    num_classes = config.model.num_classes
    dataset = VolumeDataset(
        store,
        fold,
        part="train",
        only_labelled=num_classes > 0,
        conditions=conditions_of(config.model),
        most=config.training.scans,
    )
    if num_classes and dataset.num_classes != num_classes:
        raise UsageError(
            f"{store.path} has {dataset.num_classes} classes, {config.name} was set up for "
            f"{num_classes}; prepare the scans with the labels that it was begun with"
        )
    return dataset


def geometry_of(dataset: VolumeDataset) -> dict[str, Any]:
    """What the weights file keeps of the data, as plain JSON."""
    known = replace(dataset.store.geometry, conditions=dataset.conditions)
    plain: dict[str, Any] = json.loads(known.to_json())
    return plain


def pick_device(name: str) -> str:
    """A torch device by name; auto takes CUDA where there is any."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # Asked for a number: a name may be known, and the device absent or without storage.
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:110]
        raise UsageError(
            f"--device {name}: torch cannot use it here ({reason}); take --device cpu, or auto"
        ) from error
    return name
