"""One call of an experiment: where it lies, how large it is, what it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hagan.experiments.answers import Answers
from hagan.experiments.cohort import Cohort
from hagan.experiments.jobs import Ended, Job, Jobs
from hagan.experiments.scale import FOLDS, Scale

ENDLESS = 10**9
"""Steps of a run that ends by the clock."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """Where an experiment lies and what it may use; experiments of one folder share their runs."""

    out: Path
    scale: Scale
    cohorts: tuple[Cohort, ...]
    jobs: Jobs
    answers: Answers
    seed: int = 0
    device: str = "cpu"
    minutes: float | None = None
    """Of training for each model; none for the recipe's own steps."""
    nearest: bool = False
    """Stretch volumes of models of a smaller side by repeating voxels, and not linearly."""
    tell: Callable[[str], None] = field(default=lambda line: None)
    """Hears of what is done in this process."""

    @property
    def folds(self) -> range:
        """Folds of the cross-validation that are run."""
        return range(self.scale.folds)

    def training(
        self,
        recipe: str,
        cohort: Cohort,
        fold: int,
        *,
        variant: str = "",
        flags: Sequence[str] = (),
        settings: Sequence[str] = (),
    ) -> Job:
        """The job that trains a recipe on a fold's training part.

        Args:
            recipe: Its name.
            cohort: Whose scans.
            fold: Which subjects are held back, of `FOLDS` parts.
            variant: Names what the last two change, for the run's folder.
            flags: Further flags of `hagan train`.
            settings: Further settings of its `--set`.
        """
        side = int(recipe.rsplit("-", 1)[1])
        name = self._name(recipe, cohort, fold, variant)
        length: tuple[str, ...] = ()
        changed = tuple(settings)
        if self.minutes is not None:
            length = ("--minutes", f"{self.minutes:g}", "--steps", str(ENDLESS))
            # Pictures on the way would only cost time.
            changed += (f"training.preview_every={ENDLESS}",)
        return Job(
            name=f"train/{name}",
            command=(
                *("train", recipe, "--store", str(cohort.store(side))),
                *("--run", str(self.out / "runs" / name), "--fold", fold_flag(fold)),
                *("--seed", str(self.seed), "--device", self.device, "--no-tensorboard"),
                *flags,
                *length,
                *(("--set", *changed) if changed else ()),
            ),
            needs=cohort.needs(side),
        )

    def run_of(self, recipe: str, cohort: Cohort, fold: int, *, variant: str = "") -> Path:
        """The run folder of a training job."""
        return self.out / "runs" / self._name(recipe, cohort, fold, variant)

    def do(self, jobs: Sequence[Job]) -> Mapping[str, Ended]:
        """Do jobs, those that make the cohorts first; each only once.

        Raises:
            InterruptedRunError: A signal; what ran was asked to save.
        """
        named = {job.name: job for cohort in self.cohorts for job in cohort.jobs}
        named |= {job.name: job for job in jobs}
        return self.jobs.run(list(named.values()))

    @staticmethod
    def _name(recipe: str, cohort: Cohort, fold: int, variant: str) -> str:
        kind = f"{recipe}-{variant}" if variant else recipe
        return f"{cohort.name}/{kind}/fold-{fold}"


def fold_flag(fold: int) -> str:
    """A fold as command lines name it."""
    return f"{fold}/{FOLDS}"
