"""Accuracy and its kin against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from hagan.evaluation.classification import classified, in_proportion


def test_figures_by_hand() -> None:
    found = classified([0, 0, 1, 2, 4], [0, 1, 1, 4, 4], trained_on=[0, 0, 1, 4], num_classes=5)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.within_one == pytest.approx(4 / 5)
    assert found.majority == pytest.approx(2 / 5)
    # F1 of 0: 2/3; of 1: 2/3; of 2: 0; of 4: 2/3; class 3 does not occur.
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0 + 2 / 3) / 4)
    assert found.confusion[0] == (1, 1, 0, 0, 0)
    assert found.confusion[2][4] == 1
    assert np.sum(found.confusion) == 5


def test_macro_f1_is_sklearns_where_every_class_occurs() -> None:
    rng = np.random.default_rng(0)
    truth = [*range(4), *rng.integers(0, 4, 60).tolist()]
    said = rng.integers(0, 4, 64).tolist()
    expected = f1_score(truth, said, average="macro")
    assert classified(truth, said, truth, 4).macro_f1 == pytest.approx(expected)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 40))
def test_proportions_are_met_to_one_volume(labels: list[int], count: int) -> None:
    found = in_proportion(labels, count, 5)
    assert len(found) == count
    for label in range(5):
        wanted = labels.count(label) / len(labels) * count
        assert abs(found.count(label) - wanted) < 1
