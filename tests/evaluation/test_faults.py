"""Planted faults: each does what its sentence says, to the size it says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.protocols import THORAX_WINDOW
from hagan.errors import UsageError
from hagan.evaluation import faults
from hagan.evaluation.faults import FAULTS, plant
from hagan.evaluation.sets import ArraySet, Part, Voxels
from hagan.evaluation.sharpness import Sharpness


@pytest.fixture(scope="module")
def thoraxes() -> list[Voxels]:
    """Phantoms at 48 voxels a side."""
    rendered = [render_thorax(draw_thorax(7, number), 48).voxels for number in range(2)]
    return [THORAX_WINDOW.window(voxels.astype(np.float32)) for voxels in rendered]


@pytest.fixture(scope="module")
def base(thoraxes: list[Voxels]) -> ArraySet:
    """Twelve different volumes: two phantoms, shifted."""
    shifted = [np.roll(volume, shift, axis=1) for shift in range(6) for volume in thoraxes]
    return ArraySet("phantoms", shifted)


@pytest.mark.parametrize("name", FAULTS)
def test_keeps_shape_and_range_is_the_same_for_a_seed_and_changes_something(
    name: str, base: ArraySet
) -> None:
    fault = FAULTS[name]
    planted, again = plant(fault, base, 3), plant(fault, base, 3)
    assert planted.name == fault.name == name
    assert fault.sentence
    assert len(planted) == len(base)
    assert planted.shape == base.shape
    before = base.volume(5).copy()
    volume = planted.volume(5)
    assert np.array_equal(base.volume(5), before)
    assert volume.shape == base.shape
    assert volume.dtype == np.float32
    assert -1 <= volume.min() < volume.max() <= 1
    assert np.array_equal(volume, again.volume(5))
    assert not np.array_equal(volume, before)


RANDOM = (
    "noise-0.05",
    "noise-0.1",
    "stitched-slabs",
    "slab-steps",
    "swapped-slices",
    "shuffled-block",
    "collapse-10",
)


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_drawn_differs_between_seeds(name: str, base: ArraySet) -> None:
    sets = [plant(FAULTS[name], base, seed) for seed in (0, 1)]
    assert any(not np.array_equal(sets[0].volume(n), sets[1].volume(n)) for n in range(3))


def test_what_is_drawn_differs_between_volumes(thoraxes: list[Voxels]) -> None:
    twins = ArraySet("twins", [thoraxes[0], thoraxes[0]])
    for name in ("noise-0.05", "slab-steps", "swapped-slices", "shuffled-block"):
        planted = plant(FAULTS[name], twins, 0)
        assert not np.array_equal(planted.volume(0), planted.volume(1)), name


def test_the_stronger_of_a_kind_is_stronger(base: ArraySet) -> None:
    def sharpness(name: str) -> float:
        return float(Sharpness()(plant(FAULTS[name], base, 0).volume(1))[0])

    plain = float(Sharpness()(base.volume(1))[0])
    assert plain > sharpness("blur-0.5") > sharpness("blur-1") > sharpness("blur-2")
    assert plain < sharpness("noise-0.05") < sharpness("noise-0.1")


def test_blur_has_the_variance_of_its_name() -> None:
    point = np.zeros((25, 25, 25), np.float32)
    point[12, 12, 12] = 1.0
    blurred = faults.blur(point, 2.0)
    assert blurred.sum() == pytest.approx(1.0, abs=1e-4)
    spread = (blurred.sum(axis=(1, 2)) * (np.arange(25) - 12.0) ** 2).sum()
    assert spread == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize("sd", [0.05, 0.1])
def test_noise_has_the_sd_of_its_name(sd: float) -> None:
    grey = ArraySet("grey", [np.zeros((24, 24, 24), np.float32)])
    assert plant(FAULTS[f"noise-{sd}"], grey, 0).volume(0).std() == pytest.approx(sd, rel=0.03)


def test_noise_in_air_keeps_its_upper_half_and_is_no_copy_of_the_volume_before() -> None:
    air = ArraySet("air", [np.full((24, 24, 24), -1.0, np.float32)] * 2)
    planted = plant(FAULTS["noise-0.1"], air, 0)
    first, second = planted.volume(0), planted.volume(1)
    assert (first == -1).mean() == pytest.approx(0.5, abs=0.02)
    assert first.min() == -1
    assert first.mean() == pytest.approx(-1 + 0.1 / np.sqrt(2 * np.pi), abs=0.002)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0, abs=0.03)


def test_steps_are_constant_in_a_slab_and_of_the_size_said() -> None:
    stepped = faults.add_steps(np.zeros((32, 3, 3), np.float32), 4)
    slabs = stepped.reshape(8, -1)
    assert (slabs == slabs[:, :1]).all()
    sizes = np.abs(slabs[:, 0])
    assert sizes.min() >= 0.02
    assert sizes.max() <= 0.05
    assert len(set(slabs[:, 0])) == 8


def numbered(depth: int) -> Voxels:
    """Every slice shows its number."""
    levels = np.linspace(-1, 1, depth, dtype=np.float32)
    return np.broadcast_to(levels[:, None, None], (depth, 3, 3)).copy()


def order_of(volume: Voxels) -> list[int]:
    return [int(n) for n in np.rint((volume[:, 0, 0] + 1) / 2 * (len(volume) - 1))]


def test_swapped_slices_are_neighbours_and_about_half_of_them() -> None:
    moved, begins = 0, set()
    for seed in range(40):
        order = order_of(faults.swap_slices(numbered(32), seed))
        assert sorted(order) == list(range(32))
        assert max(abs(place - number) for place, number in enumerate(order)) <= 1
        places = [place for place, number in enumerate(order) if place != number]
        moved += len(places)
        begins.add(places[0] % 2)
    assert moved / (40 * 32) == pytest.approx(0.5, abs=0.06)
    assert begins == {0, 1}


@pytest.mark.parametrize("depth", [8, 32, 65])
def test_the_shuffled_block_is_one_run_of_an_eighth(depth: int) -> None:
    starts = set()
    for seed in range(30):
        order = order_of(faults.shuffle_block(numbered(depth), seed))
        assert sorted(order) == list(range(depth))
        moved = [place for place, number in enumerate(order) if place != number]
        assert moved == list(range(moved[0], moved[0] + max(3, depth // 8)))
        starts.add(moved[0])
    assert min(starts) >= depth // 4
    assert max(starts) + max(3, depth // 8) <= depth - depth // 4 + 1
    assert len(starts) > 1


def test_flipping_twice_is_nothing(base: ArraySet) -> None:
    once = plant(FAULTS["flipped"], base, 0)
    assert np.array_equal(plant(FAULTS["flipped"], once, 0).volume(2), base.volume(2))
    assert np.array_equal(once.volume(2)[:, :, 0], base.volume(2)[:, :, -1])


def test_wrong_spacing_moves_content_away_from_the_centre() -> None:
    volume = np.full((41, 3, 3), -1, np.float32)
    volume[10] = volume[30] = 1.0
    stretched = faults.stretch(volume, 1.2)
    centre = (stretched[21:, 0, 0] + 1) @ np.arange(21, 41) / (stretched[21:, 0, 0] + 1).sum()
    assert centre == pytest.approx(20 + 1.2 * 10, abs=0.1)
    squeezed = faults.stretch(np.ones((41, 3, 3), np.float32), 0.5)
    assert (squeezed[:9] == -1).all()
    assert squeezed[20, 0, 0] == 1


def test_collapse_leaves_ten_volumes_and_their_subjects(base: ArraySet) -> None:
    planted = plant(FAULTS["collapse-10"], base, 0)
    assert len(set(planted.subjects)) == 10
    assert len({planted.volume(n).tobytes() for n in range(12)}) == 10
    with pytest.raises(UsageError, match="more than the 10"):
        plant(FAULTS["collapse-10"], Part("ten", base, range(10)), 0)


def test_without_lungs_the_user_is_told() -> None:
    assert FAULTS["lungs-10"].thorax_only
    assert not FAULTS["blur-1"].thorax_only
    y, x = np.indices((32, 32)) - 15.5
    solid = np.where(np.hypot(y, x) < 12, 0.2, -1.0).astype(np.float32)
    bodies = [np.broadcast_to(solid, (32, 32, 32)).copy(), np.full((32, 32, 32), -1, np.float32)]
    for volume in bodies:
        planted = plant(FAULTS["lungs-10"], ArraySet("brains", [volume]), 0)
        with pytest.raises(UsageError, match="thorax CT"):
            planted.volume(0)
