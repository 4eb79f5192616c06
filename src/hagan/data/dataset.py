"""The scans of a store that a run may see: a fold's training or held-out part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from hagan.data.conditions import Conditions, values_of
from hagan.data.store import Store, StoreEntry, fold_of, subject_hash
from hagan.errors import BadInputError, UsageError
from hagan.types import Labels


@dataclass(frozen=True)
class Fold:
    """One of several ways to hold subjects back.

    Attributes:
        index: Which part is held back, from 0.
        count: Into how many parts the subjects are split.
    """

    index: int
    count: int = 5

    def __post_init__(self) -> None:
        if not (self.count >= 2 and 0 <= self.index < self.count):
            raise UsageError(
                f"fold {self.index}/{self.count} must be one of 0/{max(self.count, 2)} to "
                f"{max(self.count, 2) - 1}/{max(self.count, 2)}"
            )

    @classmethod
    def parse(cls, text: str) -> Fold:
        """Read ``0/5``.

        Args:
            text: Index, a stroke, and the number of folds.

        Returns:
            The fold.

        Raises:
            UsageError: The text is something else.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal()):
            raise UsageError(f"fold {text!r} must look like 0/5: which part of how many")
        return cls(int(index), int(count))

    def holds_back(self, subject: str) -> bool:
        """Tell whether a subject is held out of training.

        Args:
            subject: Its name.

        Returns:
            True for a held-out subject.
        """
        return fold_of(subject, self.count) == self.index


class VolumeDataset:
    """Volumes of a store by number.

    Attributes:
        store: The store.
        entries: The scans of this part, in the store's order.
        device: Where volumes come: the CPU.
        num_classes: Number of classes; 0 unless every scan of this part has a label, or where
            covariates alone are asked for.
        conditions: Scale and range of the covariates; None where none are asked for.
    """

    def __init__(
        self,
        store: Store,
        fold: Fold | None = None,
        part: Literal["train", "held-out"] = "train",
        *,
        only_labelled: bool = False,
        most: int | None = None,
        conditions: tuple[str, ...] = (),
    ) -> None:
        """Choose the scans.

        Args:
            store: The store.
            fold: Which subjects are held back; None uses every scan.
            part: The scans to train on, or those held back.
            only_labelled: Leave out scans without a label, as a class-conditional model must.
            most: Take so many of them, the first in an order of their subjects' hashed names.
            conditions: Covariates on which a model is conditioned, for `labels`.

        Raises:
            BadInputError: No scan is left, or fewer than `most`, or one lacks a covariate.
        """
        self.store = store
        self.device = torch.device("cpu")
        self.entries: tuple[StoreEntry, ...] = tuple(
            entry
            for entry in store.entries
            if (fold is None or fold.holds_back(entry.subject) == (part == "held-out"))
            and (entry.label is not None or not only_labelled)
        )
        if not self.entries:
            what = "labelled scan" if only_labelled else "scan"
            which = "" if fold is None else f" in the {part} part of fold {fold.index}/{fold.count}"
            raise BadInputError(f"{store.path} has no {what}{which}; prepare more")
        if most is not None:
            if most > len(self.entries):
                raise BadInputError(
                    f"{store.path} has {len(self.entries)} scans to train on, not {most}"
                )
            chosen = sorted(self.entries, key=lambda entry: (subject_hash(entry.subject), entry.id))
            ids = {entry.id for entry in chosen[:most]}
            self.entries = tuple(entry for entry in self.entries if entry.id in ids)
        is_labelled = all(entry.label is not None for entry in self.entries)
        wanted = only_labelled or not conditions
        self.num_classes = len(store.class_names) if is_labelled and wanted else 0
        self.conditions: Conditions | None = None
        if conditions:
            self.conditions = Conditions.of_scans(
                conditions,
                [entry.covariates for entry in self.entries],
                [entry.label or 0 for entry in self.entries] if self.num_classes else [],
                store.path,
            )

    def __len__(self) -> int:
        """Count the scans."""
        return len(self.entries)

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """Voxels along d, h, w of every volume."""
        return self.store.volume_shape

    def volume(self, index: int) -> Float[Tensor, "1 d h w"]:
        """Read one volume.

        Args:
            index: Its number, from 0.

        Returns:
            Intensities in [-1, 1].

        Raises:
            BadInputError: Its file is damaged.
        """
        return torch.from_numpy(self.store.load(self.entries[index]))[None]

    def read_into(
        self, index: int, out: Float[Tensor, "1 d h w"], *, mirrored: bool = False
    ) -> None:
        """Read one volume to where it is wanted.

        Args:
            index: Its number, from 0.
            out: A place on the CPU, in float32.
            mirrored: Swap left and right.

        Raises:
            BadInputError: Its file is damaged.
        """
        self.store.load_into(self.entries[index], out[0].numpy(), mirrored=mirrored)

    def label(self, index: int) -> int | None:
        """Look up the class of one scan.

        Args:
            index: Its number, from 0.

        Returns:
            Index into the class names; None where the part has no classes.
        """
        return self.entries[index].label if self.num_classes else None

    @property
    def num_conditions(self) -> int:
        """Count the covariates in a label."""
        return 0 if self.conditions is None else len(self.conditions.names)

    def labels(self, indices: list[int]) -> Labels | None:
        """Look up what some scans are conditioned on.

        Args:
            indices: Their numbers, from 0.

        Returns:
            A row for each: the class as one-hot, then the standardised covariates; None for a part
            without either.
        """
        parts = []
        if self.num_classes:
            classes = torch.tensor([self.label(index) for index in indices])
            parts.append(torch.nn.functional.one_hot(classes, self.num_classes).float())
        if self.conditions is not None:
            names = self.conditions.names
            found = [values_of(self.entries[index].covariates, names) for index in indices]
            scaled = [self.conditions.standardised(dict(zip(names, v, strict=True))) for v in found]
            parts.append(torch.tensor(scaled, dtype=torch.float32))
        return torch.cat(parts, dim=1) if parts else None
