"""Where the first weights of a run come from: `hagan train --start-from`, and its record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hagan.cli.run_record import recorded_origin
from hagan.config.run_dir import RunDir
from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.models.weights import Loaded


@dataclass(frozen=True, eq=False)
class Origin:
    """Weights of another run that a run begins with, or began with."""

    record: dict[str, str | int]
    """What the run's record says of them."""
    loaded: Loaded | None
    """The weights; none where the run has checkpoints of its own and goes on from those."""


def origin_of(run: RunDir, asked: Path | None) -> Origin | None:
    """What a run begins with; none where its weights are drawn.

    A run remembers its source, so that it goes on without naming it again, even where it was ended
    before its first checkpoint.

    Args:
        run: The run's folder, which may not be there yet.
        asked: A run or a weights file, as the flag names it.

    Raises:
        UsageError: The run has checkpoints and did not begin with the weights that are asked for.
        BadInputError: There are no such weights, or they are no longer those of the record.
        UnsafeFileError: A file that could run code.
    """
    record = recorded_origin(run)
    if asked is None and record is None:
        return None

    from hagan.models.transfer import open_source
    from hagan.training.checkpoint import newest_checkpoint

    goes_on = newest_checkpoint(run.state) is not None
    if asked is None:
        assert record is not None
        if goes_on:
            return Origin(record, None)
        loaded = open_source(Path(str(record["weights"])))
        if loaded.sha256 != record["sha256"]:
            raise UsageError(
                f"{run.path} was begun from other weights than {loaded.path} holds now; name those "
                "with --start-from, or take another --run"
            )
        return Origin(record, loaded)
    loaded = open_source(asked)
    if goes_on and (record is None or record["sha256"] != loaded.sha256):
        began = "drawn weights" if record is None else str(record["weights"])
        raise UsageError(
            f"{run.path} has checkpoints of its own and began with {began}, not with those of "
            f"{asked}; take another --run, or go on without --start-from"
        )
    if goes_on and record is not None:
        return Origin(record, None)
    return Origin(_record(loaded), loaded)


def _record(loaded: Loaded) -> dict[str, str | int]:
    return {
        "weights": str(loaded.path.resolve()),
        "sha256": loaded.sha256,
        "recipe": loaded.config.name,
        "step": loaded.step,
    }
