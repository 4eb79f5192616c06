"""How large an experiment is: sizes, counts and minutes by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hagan.config.recipes import FAMILIES
from hagan.errors import UsageError

ScaleName = Literal["tiny", "small", "paper"]

FOLDS = 5
"""Parts into which subjects are split, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes, counts and minutes of every experiment."""

    name: ScaleName
    side: int
    """Voxels along each axis of the volumes that are judged."""
    largest_rival: int
    """Side up to which the paper's baselines are trained; above, their volumes are stretched."""
    forms: tuple[str, ...]
    """Endings of families of recipes, the first that there is."""
    phantoms: int
    """In a cohort of phantoms."""
    minutes: float | None
    """Of training for each model; none for the recipe's own steps."""
    folds: int
    """Of the cross-validation that are run."""
    samples: int
    """Generated volumes that are judged."""
    seeds: int
    """Repetitions where chance is measured."""

    @property
    def rival_side(self) -> int:
        """Side of the paper's baselines, and of what is compared at their side."""
        return min(self.side, self.largest_rival)

    def recipe(self, model: str, side: int | None = None) -> str:
        """The recipe of a model, such as `wgan-tiny-32`.

        Args:
            model: Family without the ending of its form.
            side: By default the scale's for HA-GAN, and for others the largest that they reach.

        Raises:
            UsageError: It has none at this scale.
        """
        if side is None:
            side = self.side if model.startswith("hagan") else self.rival_side
        for form in self.forms:
            family = f"{model}{form}"
            if family in FAMILIES and side in FAMILIES[family][1]:
                return f"{family}-{side}"
        raise UsageError(
            f"--models {model}: there is no such recipe at the scale {self.name}; `hagan info` "
            "lists them, and larger scales have more"
        )


SCALES: dict[ScaleName, Scale] = {
    scale.name: scale
    for scale in (
        Scale(
            name="tiny",
            side=32,
            largest_rival=128,
            forms=("-tiny",),
            phantoms=200,
            minutes=0.75,
            folds=2,
            samples=32,
            seeds=5,
        ),
        Scale(
            name="small",
            side=64,
            largest_rival=128,
            forms=("-sound", ""),
            phantoms=300,
            minutes=60.0,
            folds=3,
            samples=100,
            seeds=5,
        ),
        Scale(
            name="paper",
            side=256,
            largest_rival=128,
            forms=("",),
            phantoms=1000,
            minutes=None,
            folds=5,
            samples=512,
            seeds=5,
        ),
    )
}
"""By name. Tiny is for two CPU cores and less than an hour, paper for a cluster of GPUs."""
