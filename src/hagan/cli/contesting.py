"""Flags of the contest of recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hagan.cli.studying import OneExperiment
from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.experiments.study import Study
    from hagan.experiments.tables import Result

EXTRACTORS = ("random-resnet10", "astra-grid")


@dataclass(frozen=True)
class RecipeExperiment(OneExperiment):
    """Variants of a recipe under equal quotas, judged by a rule that is fixed before."""

    variants: tuple[str, ...] = ("hagan", "paper", "official")
    """Names (hagan, paper, paper-fast, official), families of recipes such as wgan, or 'NAME:
    FAMILY KEY=VALUE ...' in quotes; the others are compared with the first."""
    seeds: int | None = None
    """Runs of each variant, instead of the scale's."""
    fold: str = "0/3"
    """i/n: hold back the subjects of fold i of n, to judge by."""
    scans: int | None = None
    """Train on so many scans alone."""
    extractors: tuple[str, ...] = ("auto",)
    """Networks whose features are compared: random-resnet10, astra-grid (hagan[weights]), or auto
    for those at hand. A variant counts as better where all agree."""

    def _check(self) -> None:
        from hagan.data.dataset import Fold

        super()._check()
        Fold.parse(self.fold)
        for name in ("seeds", "scans"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"--{name} {value} must be at least 1")
        wrong = [name for name in self.extractors if name not in ("auto", *EXTRACTORS)]
        if wrong or not self.extractors or ("auto" in self.extractors and self.extractors[1:]):
            raise UsageError(f"--extractors takes auto, or some of {', '.join(EXTRACTORS)}")

    def _result(self, study: Study, facts: Mapping[str, Any]) -> Result:
        from hagan.evaluation.extractors import has_astra
        from hagan.experiments.contest import Contest, contest
        from hagan.experiments.variants import parsed

        if study.minutes is None:
            raise UsageError("give --minutes: the quota of each run")
        if "astra-grid" in self.extractors and not has_astra():
            # Here, not when the first run is judged.
            raise UsageError(
                "--extractors astra-grid: its weights are missing; install hagan[weights]"
            )
        variants = tuple(parsed(text) for text in self.variants)
        names = [variant.name for variant in variants]
        if len(set(names)) < len(names):
            raise UsageError("--variants: two have one name")
        given = Contest(
            variants=variants,
            minutes=study.minutes,
            seeds=self.seeds or study.scale.seeds,
            fold=self.fold,
            scans=self.scans,
            extractors=self.extractors,
        )
        more = {"fold": self.fold, "seeds": given.seeds, "scans": self.scans or "all of the fold"}
        return contest(study, given, {**facts, **more})
