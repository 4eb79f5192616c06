"""The batch that a model without a hierarchy takes: whole volumes with their labels."""

from __future__ import annotations

from dataclasses import dataclass

from hagan.types import Labels, Volumes


@dataclass(frozen=True, eq=False)
class Reals:
    """Real volumes of a step."""

    volumes: Volumes
    labels: Labels | None = None
