"""What a family of recipes is: a function of the side, and the sides at which it was tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hagan.config.training import RunConfig

Family: TypeAlias = tuple[Callable[[int], RunConfig], tuple[int, ...]]
"""The recipe of a side, and the sides that there are."""

Families: TypeAlias = dict[str, Family]
"""Families by name; a recipe is called `<family>-<side>`."""
