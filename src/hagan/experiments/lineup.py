"""Which recipes stand in the tables of memory and speed, and what the paper gives for them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from hagan.config.recipes import FAMILIES
from hagan.config.training import RunConfig
from hagan.errors import UsageError

PAPER_ORDER = (
    *("wgan", "vae-gan", "progressive-gan", "alpha-gan", "cce-gan", "style-gan"),
    *("hagan-early", "hagan-official", "hagan"),
)
"""Families as Table VIII lists them, then HA-GAN: as of 2020, as released, and ours."""

SIDES = (32, 64, 128, 256)
"""Of Fig. 6 and Table VII."""

BATCH_SIZE = 2
"""Volumes a step, in all of the paper's measurements."""

PAPER_MEMORY = {32: 2573, 64: 2665, 128: 3167, 256: 5961}
"""Table VII: MB that HA-GAN takes, by side."""

PAPER_PARAMETERS = {32: 74.7e6, 64: 78.7e6, 128: 79.6e6, 256: 79.7e6}
"""Table VII: parameters of HA-GAN, by side."""

PAPER_SPEED = {
    **{"wgan": 2.0, "vae-gan": 1.0, "progressive-gan": 1.3, "alpha-gan": 1.6, "cce-gan": 0.35},
    **{"style-gan": 0.23, "hagan-official": 3.8},
}
"""Table VIII: steps a second, by family."""

PAPER_SPEED_SIDE = 128
"""Side of Table VIII."""

PAPER_HAGAN = "hagan-official"
"""The family that stands for the paper's HA-GAN: the code that its authors released."""

PAPER_NOTE = "the paper's figures were measured on a Tesla V100 (16 GB) with batches of 2"


def lineup(models: Sequence[str] = ()) -> tuple[str, ...]:
    """Families in the order of the tables.

    Args:
        models: Families asked for by name; by default those of `PAPER_ORDER` that there are.

    Raises:
        UsageError: There is no such family; the message names the nearest.
    """
    for name in models:
        if name not in FAMILIES:
            nearest = difflib.get_close_matches(name.lower(), FAMILIES, n=3, cutoff=0.3)
            raise UsageError(
                f"--models {name}: no family of recipes is called so; did you mean "
                f"{', '.join(nearest) or 'hagan'}?"
            )
    # A family that is named twice has one row.
    asked = tuple(dict.fromkeys(models))
    return asked or tuple(name for name in PAPER_ORDER if name in FAMILIES)


def config_of(family: str, side: int, batch_size: int = BATCH_SIZE) -> RunConfig | None:
    """The recipe of a family and side with a batch that is taken at once; None without one.

    Raises:
        UsageError: The batch has no volume.
    """
    make, sides = FAMILIES[family]
    if side not in sides:
        return None
    config = make(side)
    training = replace(config.training, batch_size=batch_size, accumulate=1)
    return replace(config, training=training)
