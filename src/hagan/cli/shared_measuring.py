"""Features of an evaluation's volumes, measured by several processes into one cache.

Features are kept by the hash of voxels and definition, so the first process, which evaluates as it
would alone, finds them all there and can come to no other figures.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hagan.data.files import disk_error, make_folder
from hagan.evaluation.lineup import line_up
from hagan.evaluation.measuring import measure_volume

if TYPE_CHECKING:
    from hagan.cli.evaluate import Evaluate
    from hagan.config.evaluation import EvaluationConfig
    from hagan.evaluation.bench import Instruments
    from hagan.evaluation.comparison import Sides
    from hagan.training.distributed import World


@contextmanager
def shared_cache(flags: Evaluate, world: World) -> Iterator[Evaluate]:
    """The flags with a cache that all processes reach.

    Where none is to be kept, several processes get one for the length of the block; it lies beside
    the results, since machines need not share a folder for temporary files.

    Raises:
        DiskError: It cannot be made.
    """
    if flags.keep or world.size == 1:
        yield flags
        return
    folder = Path(world.from_first(lambda: _temporary(flags.out.parent)))
    try:
        yield replace(flags, cache=folder, keep=True)
    finally:
        if world.is_first:
            shutil.rmtree(folder, ignore_errors=True)


def _temporary(beside: Path) -> str:
    try:
        return tempfile.mkdtemp(prefix=".hagan-features-", dir=make_folder(beside).resolve())
    except OSError as error:
        raise disk_error(beside, error) from error


def measure_together(
    sides: Sides,
    instruments: Instruments,
    config: EvaluationConfig,
    world: World,
    on_begin: Callable[[str, int], None],
    on_progress: Callable[[], None],
) -> None:
    """Measure every n-th volume of every set into the cache, each process another.

    Args:
        sides: The sets.
        instruments: What to measure with; its cache is the processes' common one.
        config: The definitions.
        world: The processes.
        on_begin: Called with the name of each set and how many of its volumes are this process's.
        on_progress: Called after each volume.

    Raises:
        BadInputError: A set has fewer than two volumes, or a volume that no figure describes.
    """
    with world.agreed():
        lined = line_up(sides.fakes, sides.real, sides.train, instruments, config)
    for volumes, measures in lined.measured():
        own = range(world.rank, len(volumes), world.size)
        # After each set, so that none waits long for another at the end.
        with world.agreed():
            on_begin(volumes.name, len(own))
            for index in own:
                measure_volume(volumes, index, measures, instruments.cache)
                on_progress()
