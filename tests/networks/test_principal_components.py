"""Principal components batch by batch, against numpy's SVD of all volumes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hagan.networks.principal_components import PrincipalComponents
from networks.made_rows import volumes


def fitted(rows: Tensor, batch: int, components: int, *, passes: int = 1) -> PrincipalComponents:
    found = PrincipalComponents(components, rows[0].numel()).to(rows.dtype)
    for _ in range(passes):
        for part in rows.split(batch):
            found.update(part.flatten(1))
    return found


def by_svd(rows: Tensor, components: int) -> tuple[NDArray, NDArray, NDArray]:  # type: ignore[type-arg]
    """Mean, components and deviations of all rows at once."""
    matrix = rows.flatten(1).double().numpy()
    mean = matrix.mean(axis=0)
    _, singular, vectors = np.linalg.svd(matrix - mean, full_matrices=False)
    return mean, vectors[:components], singular[:components] / np.sqrt(len(matrix) - 1)


def assert_same_gaussian(
    found: PrincipalComponents,
    expected: tuple[NDArray, NDArray, NDArray],
    within: float,  # type: ignore[type-arg]
) -> None:
    """The same mean, deviations and components; a component's sign is free."""
    mean, vectors, deviations = expected
    np.testing.assert_allclose(found.mean.numpy(), mean, rtol=0, atol=within)
    np.testing.assert_allclose(found.deviations.numpy(), deviations, rtol=0, atol=within)
    cosines = (found.components.double().numpy() * vectors).sum(axis=1)
    np.testing.assert_allclose(np.abs(cosines), 1.0, rtol=0, atol=10 * within)


@pytest.mark.parametrize("components", [3, 10])
def test_one_batch_is_the_svd_of_it(components: int) -> None:
    rows = volumes(24)
    found = fitted(rows, 24, components)
    assert_same_gaussian(found, by_svd(rows, components), 1e-10)


@pytest.mark.parametrize("batch", [1, 5, 8])
def test_several_batches_are_the_svd_of_all_where_nothing_was_cut_off(batch: int) -> None:
    """23 components hold whatever 24 volumes have; the last batch is smaller than the others."""
    rows = volumes(24)
    found = fitted(rows, batch, 23)
    assert_same_gaussian(found, by_svd(rows, 23), 1e-7)
    assert float(found.seen) == 24.0


def test_in_float32_the_leading_components_are_those_of_float64() -> None:
    rows = volumes(40, seed=2)
    found = fitted(rows.float(), 8, 30)
    assert found.components.dtype == torch.float32
    mean, vectors, deviations = by_svd(rows, 6)
    head = PrincipalComponents(6, 120)
    head.mean.copy_(found.mean)
    head.components.copy_(found.components[:6])
    head.deviations.copy_(found.deviations[:6])
    assert_same_gaussian(head, (mean, vectors, deviations), 2e-4)


def test_what_a_cut_leaves_off_hardly_moves_the_leading_components() -> None:
    rows = volumes(48, seed=3)
    found = fitted(rows, 8, 12)
    mean, vectors, deviations = by_svd(rows, 4)
    np.testing.assert_allclose(found.mean.numpy(), mean, atol=1e-12)
    np.testing.assert_allclose(found.deviations[:4].numpy(), deviations, rtol=0.01)
    cosines = np.abs((found.components[:4].numpy() * vectors).sum(axis=1))
    assert cosines.min() > 0.99


def test_a_second_pass_over_the_same_volumes_changes_little() -> None:
    rows = volumes(48, seed=4)
    once, twice = (fitted(rows, 8, 16, passes=passes) for passes in (1, 2))
    torch.testing.assert_close(twice.mean, once.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(twice.deviations[:5], once.deviations[:5], rtol=0.02, atol=0)
    cosines = (once.components[:5] * twice.components[:5]).sum(dim=1).abs()
    assert float(cosines.min()) > 0.999
    assert float(twice.seen) == 96.0


def test_codes_are_as_far_from_the_scores_as_was_added() -> None:
    rows = volumes(6).flatten(1)
    found = fitted(rows, 6, 8)
    known = found.deviations > 0
    assert int(known.sum()) == 5
    added = torch.randn(6, 12, dtype=rows.dtype, generator=torch.Generator().manual_seed(0))
    codes = torch.cat((found.scores(rows), torch.zeros(6, 4).to(rows)), dim=1) + added
    expected = added[:, :8][:, known].square().mean()
    torch.testing.assert_close(found.score_error(codes, rows), expected)
    assert float(PrincipalComponents(8, rows.shape[1]).double().score_error(codes, rows)) == 0.0
