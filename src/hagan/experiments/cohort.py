"""What an experiment is run on: a user's store, or phantoms that are made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hagan.data.store import Store
from hagan.data.volume import Modality
from hagan.errors import UsageError
from hagan.experiments.jobs import Job

PhantomKind = Literal["thorax", "brain"]

PROTOCOLS: dict[PhantomKind, str] = {"thorax": "thorax-ct", "brain": "brain-t1"}


@dataclass(frozen=True)
class Cohort:
    """Scans of one kind at one or more sides."""

    name: str
    """In names of folders and jobs."""
    is_phantom: bool
    stores: dict[int, Path]
    """By side."""
    jobs: tuple[Job, ...] = ()
    """What makes the stores; none for a user's own."""

    def store(self, side: int) -> Path:
        """The store of a side.

        Raises:
            UsageError: There is none.
        """
        if side not in self.stores:
            sides = ", ".join(map(str, sorted(self.stores)))
            raise UsageError(
                f"{self.name} has stores of side {sides}, none of {side}; prepare the scans at "
                "that side too and give both with --store"
            )
        return self.stores[side]

    def needs(self, side: int) -> tuple[str, ...]:
        """Names of the jobs that make the store of a side."""
        return tuple(job.name for job in self.jobs if job.name.endswith(f"-{side}"))

    @property
    def modality(self) -> Modality:
        """What the scans are.

        Raises:
            BadInputError: A user's store is damaged or empty.
        """
        if self.is_phantom:
            return "ct" if self.name == "thorax" else "mr"
        return Store.open(next(iter(self.stores.values()))).geometry.modality

    @property
    def kind(self) -> str:
        """`thorax` for CT, `brain` for MR: what the paper's tables are beside."""
        return "thorax" if self.modality == "ct" else "brain"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name} phantoms" if self.is_phantom else self.name


def phantoms(kind: PhantomKind, out: Path, sides: Sequence[int], count: int, seed: int) -> Cohort:
    """A cohort of phantoms, and the jobs that make it.

    Args:
        kind: Of phantoms.
        out: The experiment's folder.
        sides: Of the stores.
        count: Of phantoms.
        seed: Of the phantoms.
    """
    jobs: list[Job] = []
    stores: dict[int, Path] = {}
    for side in sides:
        scans = out / "data" / f"{kind}-phantoms-{side}"
        stores[side] = out / "data" / f"{kind}-{side}"
        size = ("--side", str(side))
        made = Job(
            name=f"phantoms-{kind}-{side}",
            command=(
                *("phantom", kind, str(scans), "--count", str(count), "--seed", str(seed)),
                *size,
            ),
        )
        labels: tuple[str, ...] = ("--labels", str(scans / "truth.csv"))
        if kind == "thorax":
            labels += ("--label-column", "gold")
        prepared = Job(
            name=f"prepare-{kind}-{side}",
            command=(
                *("prepare", str(scans), str(stores[side]), "--protocol", PROTOCOLS[kind]),
                *size,
                *labels,
            ),
            needs=(made.name,),
        )
        jobs += [made, prepared]
    return Cohort(kind, is_phantom=True, stores=stores, jobs=tuple(jobs))


def given(paths: Sequence[Path]) -> Cohort:
    """A user's scans: stores of the same scans at different sides.

    Raises:
        UsageError: Two stores of one side, or stores of different scans.
        BadInputError: One of them is no store.
    """
    opened = [Store.open(path) for path in paths]
    stores: dict[int, Path] = {}
    for store in opened:
        side = store.volume_shape[0]
        if side in stores:
            raise UsageError(
                f"{store.path} and {stores[side]} have the same side; give one of them"
            )
        stores[side] = store.path
    subjects = [{entry.subject for entry in store.entries} for store in opened]
    if any(one != subjects[0] for one in subjects):
        raise UsageError(
            f"{opened[0].path} and {opened[1].path} hold other subjects; prepare the same scans at "
            "each side"
        )
    return Cohort(paths[0].name, is_phantom=False, stores=stores)
