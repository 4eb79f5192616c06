"""Recipes: complete configurations by name, each a Python function of the side.

A name is `<family>-<side>`, such as `hagan-64`, `hagan-paper-256`, `wgan-sound-64` or
`hagan-tiny-32`. Each model's families are in a file of `hagan.config.families`.
"""

from __future__ import annotations

import difflib
import re

from hagan.config.families import (
    alpha_gan,
    cce_gan,
    gaussian,
    ha_gan,
    patch_gan,
    progressive_gan,
    style_gan,
    vae_gan,
    wgan,
)
from hagan.config.families.family import Families
from hagan.config.training import RunConfig
from hagan.errors import UsageError

FAMILIES: Families = {
    **ha_gan.FAMILIES,
    **gaussian.FAMILIES,
    **patch_gan.FAMILIES,
    **progressive_gan.FAMILIES,
    **style_gan.FAMILIES,
    **alpha_gan.FAMILIES,
    **cce_gan.FAMILIES,
    **vae_gan.FAMILIES,
    **wgan.FAMILIES,
}
"""Every family of recipes: its function and the sides at which it was tried."""


def recipe_names() -> tuple[str, ...]:
    """Every recipe's name."""
    return tuple(f"{family}-{side}" for family, (_, sides) in FAMILIES.items() for side in sides)


def recipe(name: str) -> RunConfig:
    """The recipe of that name.

    Raises:
        UsageError: No such recipe; the message names the nearest.
    """
    match = re.fullmatch(r"(.+)-(\d+)", name)
    if match and match[1] in FAMILIES:
        make, sides = FAMILIES[match[1]]
        if int(match[2]) in sides:
            return make(int(match[2]))
        raise UsageError(f"recipe {match[1]} exists at sides {', '.join(map(str, sides))}")
    nearest = difflib.get_close_matches(name.lower(), recipe_names(), n=3, cutoff=0.3)
    raise UsageError(
        f"no recipe is called {name!r}; did you mean {', '.join(nearest) or 'hagan-64'}?"
    )
