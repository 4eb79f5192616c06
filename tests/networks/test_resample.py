"""Filtered doubling and halving against scipy, and what they must leave as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from hagan.networks.resample import down_convolved, filtered, up_convolved

FOUR, FIVE, SLANTED = (1, 3, 3, 1), (1, 3, 3, 3, 1), (1, 5, 2)


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def by_scipy(
    array: NDArray[np.float64], taps: tuple[int, ...], near: int, far: int
) -> NDArray[np.float64]:
    """One channel of one volume: padded, and convolved with the product of the three filters."""
    line = np.array(taps) / sum(taps)
    kernel = np.einsum("i,j,k->ijk", line, line, line)
    return np.asarray(signal.convolve(np.pad(array, (near, far)), kernel, mode="valid"))


def delta(kernel: int, channels: int = 1) -> Tensor:
    """A convolution that does nothing."""
    weight = torch.zeros(channels, channels, kernel, kernel, kernel, dtype=torch.float64)
    weight[range(channels), range(channels), kernel // 2, kernel // 2, kernel // 2] = 1
    return weight


@pytest.mark.parametrize("taps", [FOUR, FIVE, SLANTED])
@pytest.mark.parametrize(("near", "far"), [(1, 1), (3, 0), (0, 2)])
@pytest.mark.parametrize("stride", [1, 2])
def test_filtering_is_scipys_convolution(
    taps: tuple[int, ...], near: int, far: int, stride: int
) -> None:
    features = random(2, 3, 5, 6, 8)
    made = filtered(features, taps, near=near, far=far, stride=stride, gain=8.0)
    for volume in range(2):
        for channel in range(3):
            expected = 8 * by_scipy(features[volume, channel].numpy(), taps, near, far)
            expected = expected[::stride, ::stride, ::stride]
            np.testing.assert_allclose(made[volume, channel].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("taps", [FOUR, FIVE, SLANTED])
def test_doubling_is_zeros_between_a_convolution_and_the_filter(
    kernel: int, taps: tuple[int, ...]
) -> None:
    features, weight = random(2, 2, 3, 4, 5), random(3, 2, kernel, kernel, kernel)
    made = up_convolved(features, weight, taps)
    assert made.shape == (2, 3, 6, 8, 10)
    # All of it at once, with room enough for every border; then the window of the right size.
    room = 8
    spread = np.zeros((2, 2, *(2 * size - 1 + 2 * room for size in (3, 4, 5))))
    inner = (slice(None), slice(None), *(slice(room, -room, 2),) * 3)
    spread[inner] = features.numpy()
    first = room - (len(taps) + 1) // 2
    for volume in range(2):
        for out in range(3):
            whole = sum(
                signal.correlate(spread[volume, i], weight[out, i].numpy(), mode="same")
                for i in range(2)
            )
            whole = 8 * by_scipy(np.asarray(whole), taps, 0, 0)
            place = tuple(slice(first, first + size) for size in (6, 8, 10))
            np.testing.assert_allclose(made[volume, out].numpy(), whole[place], atol=1e-11)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("taps", [FOUR, FIVE, SLANTED])
def test_halving_is_the_filter_and_a_convolution_of_every_other_voxel(
    kernel: int, taps: tuple[int, ...]
) -> None:
    features, weight, bias = random(1, 2, 4, 6, 8), random(3, 2, kernel, kernel, kernel), random(3)
    made = down_convolved(features, weight, bias, taps)
    assert made.shape == (1, 3, 2, 3, 4)
    spare = len(taps) - 2 + kernel - 1
    near, far = (spare + 1) // 2, spare // 2
    smooth = [by_scipy(features[0, i].numpy(), taps, near, far) for i in range(2)]
    for out in range(3):
        whole = sum(
            signal.correlate(smooth[i], weight[out, i].numpy(), mode="valid") for i in range(2)
        )
        expected = np.asarray(whole)[::2, ::2, ::2] + float(bias[out])
        np.testing.assert_allclose(made[0, out].numpy(), expected, atol=1e-11)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_constant_stays_constant_up_and_down(kernel: int) -> None:
    """But for the border, beyond which there are zeros: in 3D the gain of a doubling is 8."""
    constant = torch.full((1, 2, 4, 6, 8), 0.7, dtype=torch.float64)
    up = up_convolved(constant, delta(kernel, 2), FOUR)
    inside = (slice(None), slice(None), *(slice(2, -2),) * 3)
    torch.testing.assert_close(up[inside], torch.full_like(up[inside], 0.7))
    down = down_convolved(constant, delta(kernel, 2), None, FOUR)
    inside = (slice(None), slice(None), *(slice(1, -1),) * 3)
    torch.testing.assert_close(down[inside], torch.full_like(down[inside], 0.7))


def test_five_taps_keep_a_constant_on_average() -> None:
    """An odd number of taps falls unevenly on voxels and zeros."""
    constant = torch.ones(1, 1, 6, 6, 6, dtype=torch.float64)
    inside = up_convolved(constant, delta(3), FIVE)[..., 3:-3, 3:-3, 3:-3]
    assert float(inside.mean()) == pytest.approx(1)
    assert float(inside.std()) > 0.1


@pytest.mark.parametrize("kernel", [1, 3])
def test_volumes_stay_where_they_are(kernel: int) -> None:
    """A ramp keeps its slope and its middle, so nothing drifts from level to level."""
    ramp = torch.arange(12, dtype=torch.float64)
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = 12
        features = ramp.view(shape).expand(1, 1, 12, 12, 12)
        up = up_convolved(features, delta(kernel), FOUR).movedim(2 + axis, -1)
        torch.testing.assert_close(up[0, 0, 12, 12, 4:20], torch.arange(4, 20) / 2 - 0.25,
                                   check_dtype=False)  # fmt: skip
        down = down_convolved(features, delta(kernel), None, FOUR).movedim(2 + axis, -1)
        torch.testing.assert_close(down[0, 0, 3, 3, 1:5], 2.0 * torch.arange(1, 5) + 0.5,
                                   check_dtype=False)  # fmt: skip


def test_gradients_and_their_gradients_are_those_of_finite_differences() -> None:
    features = random(1, 1, 2, 4, 2).requires_grad_()
    weight = random(1, 1, 3, 3, 3).requires_grad_()

    def both(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        return up_convolved(x, w, FOUR).square(), down_convolved(x, w, None, FIVE).square()

    assert torch.autograd.gradcheck(both, (features, weight))
    small = random(1, 1, 2, 2, 2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: both(x, weight.detach()), (small,))
