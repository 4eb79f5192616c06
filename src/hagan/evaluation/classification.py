"""How well classes are predicted: accuracy, macro-F1, the confusion matrix, and the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score


@dataclass(frozen=True)
class Classified:
    """Predictions of scans that were held out."""

    accuracy: float
    """Share of scans whose class was predicted."""
    macro_f1: float
    """Mean F1 over the classes that occur, each with the same weight."""
    within_one: float
    """Share of scans at most one class off; of meaning where classes are stages."""
    majority: float
    """Accuracy of always naming the class that is most frequent in training."""
    confusion: tuple[tuple[int, ...], ...]
    """Scans by true class (rows) and predicted class (columns)."""


def classified(
    truth: Sequence[int], predicted: Sequence[int], trained_on: Sequence[int], num_classes: int
) -> Classified:
    """Judge predictions.

    Args:
        truth: Class of each held-out scan, from 0.
        predicted: What was said.
        trained_on: Class of each real training scan.
        num_classes: How many there are.
    """
    assert len(truth) == len(predicted) > 0, "a prediction for each scan"
    counts = np.bincount(trained_on, minlength=num_classes)
    usual = int(counts.argmax())
    off = np.abs(np.asarray(truth) - np.asarray(predicted))
    table = confusion_matrix(truth, predicted, labels=range(num_classes))
    return Classified(
        accuracy=float(accuracy_score(truth, predicted)),
        macro_f1=float(
            f1_score(truth, predicted, labels=sorted(set(truth)), average="macro", zero_division=0)
        ),
        within_one=float((off <= 1).mean()),
        majority=float(np.mean(np.asarray(truth) == usual)),
        confusion=tuple(tuple(int(n) for n in row) for row in table),
    )


def in_proportion(labels: Sequence[int], count: int, num_classes: int) -> list[int]:
    """Labels of so many volumes, in the proportions of others (largest remainders).

    Args:
        labels: The others', from 0.
        count: How many are wanted.
        num_classes: How many classes there are.

    Returns:
        Labels in order.
    """
    shares = np.bincount(labels, minlength=num_classes) / len(labels) * count
    counts = np.floor(shares).astype(int)
    # Ties go to the lower class, so that the same labels always give the same.
    order = np.argsort(-(shares - counts), kind="stable")
    counts[order[: count - int(counts.sum())]] += 1
    return [label for label, number in enumerate(counts) for _ in range(number)]
