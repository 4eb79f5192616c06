"""What a run folder says of itself: its settings, its scans, and a page for who opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hagan.config.codec import from_json, to_json, to_plain
from hagan.config.models import conditions_of
from hagan.config.run_dir import RunDir
from hagan.config.training import RunConfig
from hagan.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from hagan.data.store import Store

LENGTH = ("steps", "minutes", "save_every", "keep", "preview_every", "log_every", "accumulate")
"""Settings of training that may change in a run."""

README = """\
A run of hagan: {name}, on {count} scans of {store}{fold}{origin}.

config.json      every setting; `hagan train {run}/config.json` goes on where this stopped
inputs.json      the store, and the hash of each scan
metrics.jsonl    losses and rates; `hagan plot {run}` draws them
previews/        real volumes on top, fakes below, rebuilt ones at the bottom
weights/         model.safetensors: weights for use, which hold no scan but may hold traces of some
state/           checkpoints to go on from; not needed for anything else

Next:
hagan generate {run} OUT --count 16
hagan evaluate {run} --real {store} --out OUT

Volumes that it makes are synthetic and not for clinical use.
"""


def open_store(store: Path | None, run: RunDir) -> Store:
    """The store that was named, or the one with which the run was begun."""
    from hagan.data.store import Store

    if store is None:
        inputs = run.path / "inputs.json"
        if not inputs.is_file():
            raise UsageError("name the store with --store; `hagan prepare` makes one")
        store = Path(_read_inputs(inputs)["store"])
    return Store.open(store)


def same_inputs(run: RunDir, config: RunConfig, store: Store) -> list[str]:
    """The scans by name and hash, after a look at those and at the settings of a run to go on with.

    Raises:
        UsageError: The run was begun with other settings than its length, or other scans.
    """
    scans = [f"{entry.id}:{entry.source_sha256}" for entry in store.entries]
    if config.model.num_classes:
        scans = [f"{scan}:{e.label}" for scan, e in zip(scans, store.entries, strict=True)]
    for name in conditions_of(config.model):
        values = [e.covariates.get(name) for e in store.entries]
        scans = [f"{scan}:{value}" for scan, value in zip(scans, values, strict=True)]
    inputs_path = run.path / "inputs.json"
    if run.config.exists():
        begun = from_json(RunConfig, run.config.read_text(), where=str(run.config))
        if _without_length(begun) != _without_length(config):
            raise UsageError(
                f"{run.path} was begun with other settings ({_difference(begun, config)}); take "
                f"another --run, or go on with `hagan train {run.config}`"
            )
        if inputs_path.exists() and _read_inputs(inputs_path)["scans"] != scans:
            raise UsageError(
                f"{run.path} was begun on other scans than {store.path} holds now; take another "
                "--run, since its batches could not be the same"
            )
    return scans


def recorded_origin(run: RunDir) -> dict[str, str | int] | None:
    """The weights of another run with which this one began, as `write_inputs` was told."""
    path = run.path / "inputs.json"
    origin: dict[str, str | int] | None = None
    if path.is_file():
        origin = _read_inputs(path).get("start_from")
    return origin


def write_inputs(
    run: RunDir,
    config: RunConfig,
    store: Store,
    scans: list[str],
    origin: Mapping[str, str | int] | None = None,
) -> None:
    """Write config.json and inputs.json, by which a run goes on, and a page that explains it.

    Args:
        run: The run's folder.
        config: Its settings.
        store: Its scans.
        scans: As `same_inputs` gives them.
        origin: The weights of another run with which it began; none where they were drawn.
    """
    from hagan.data.files import make_folder, write_bytes_atomically

    make_folder(run.path)
    write_bytes_atomically(run.config, to_json(config).encode())
    inputs: dict[str, Any] = {"store": str(store.path.resolve()), "scans": scans}
    if origin is not None:
        inputs["start_from"] = dict(origin)
    write_bytes_atomically(run.path / "inputs.json", (json.dumps(inputs, indent=2) + "\n").encode())
    text = README.format(
        name=config.name,
        count=len(scans),
        store=store.path,
        fold=f", all but fold {config.fold}" if config.fold else "",
        origin=f", begun with weights of {origin['weights']}" if origin else "",
        run=run.path,
    )
    write_bytes_atomically(run.path / "README.txt", text.encode())


def _read_inputs(path: Path) -> dict[str, Any]:
    """What `write_inputs` wrote."""
    try:
        inputs: dict[str, Any] = json.loads(path.read_text())
        _ = inputs["store"], inputs["scans"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{path}: not readable ({error!r}); name the store with --store after removing the file"
        ) from error
    return inputs


def _without_length(config: RunConfig) -> RunConfig:
    """What must not change in a run: all but its length, what it keeps, and micro-batches."""
    same: dict[str, Any] = dict.fromkeys(LENGTH, 1)
    return replace(config, training=replace(config.training, **same))


def _difference(begun: RunConfig, asked: RunConfig) -> str:
    old, new = _flat(to_plain(begun)), _flat(to_plain(asked))
    changed = [
        f"{key} was {old.get(key)}, is {new.get(key)}" for key in new if old.get(key) != new[key]
    ]
    return "; ".join(changed[:3])


def _flat(plain: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(plain, dict):
        return {prefix: plain}
    flat: dict[str, object] = {}
    for key, value in plain.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else key)
    return flat
