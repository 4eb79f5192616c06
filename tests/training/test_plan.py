"""What is chosen for which memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hagan.config.recipes import recipe
from hagan.config.training import RunConfig
from hagan.errors import OutOfMemoryError, UsageError
from hagan.models.ha_gan import HAGAN
from hagan.training.cost import PhaseCost, StepCost, step_cost
from hagan.training.plan import MIB, OVERHEADS, Plan, Planner, slabs_of

STATES = 100 * MIB


def needs(peak: int, device: str = "cpu") -> int:
    """Memory for a step of that peak."""
    return peak + OVERHEADS[device].beside(peak)


def simple_cost(config: RunConfig) -> StepCost:
    """100 MiB for states, 10 a volume of the batch, 800 a volume of a part over its slabs."""
    training = config.training
    part = -(-training.batch_size // training.accumulate)
    slabs = slabs_of(config)
    assert slabs is not None
    activations = 800 * MIB * part // slabs
    if training.precision == "bf16":
        activations //= 2
    peak = STATES + 10 * MIB * training.batch_size + activations
    return StepCost(STATES, 0, (PhaseCost("generator", peak, activations, 10**9),))


def config(batch_size: int = 4, precision: str = "fp32") -> RunConfig:
    made = recipe("hagan-paper-128")
    training = replace(made.training, batch_size=batch_size, precision=precision)
    return replace(made, training=training)


def planned(peak_mib: int, *fixed: str, device: str = "cpu", batch_size: int = 4) -> Plan:
    """The plan for as much memory as a step of that peak needs."""
    planner = Planner(needs(peak_mib * MIB, device), device=device, cost=simple_cost)
    return planner.plan(config(batch_size), fixed=frozenset(fixed))  # type: ignore[arg-type]


def chosen(plan: Plan) -> tuple[int, int, str, int | None]:
    training = plan.chosen.config.training
    return (
        training.batch_size,
        training.accumulate,
        training.precision,
        plan.chosen.num_slabs,
    )


@pytest.mark.parametrize(
    ("peak_mib", "device", "expected"),
    [
        (540, "cpu", (4, 1, "fp32", 8)),
        (539, "cpu", (4, 2, "fp32", 8)),
        (340, "cpu", (4, 2, "fp32", 8)),
        (339, "cpu", (4, 4, "fp32", 8)),
        (240, "cpu", (4, 4, "fp32", 8)),
        (239, "cpu", (4, 4, "fp32", 16)),
        (240, "cuda", (4, 4, "fp32", 8)),
        (239, "cuda", (4, 4, "bf16", 8)),
        (189, "cuda", (4, 4, "bf16", 16)),
        (540, "cuda", (4, 1, "fp32", 8)),
    ],
)
def test_as_little_as_possible_is_changed(
    peak_mib: int, device: str, expected: tuple[int, int, str, int]
) -> None:
    plan = planned(peak_mib, device=device)
    assert chosen(plan) == expected
    assert plan.chosen.fits
    assert plan.chosen in plan.considered
    assert plan.chosen.needed <= needs(peak_mib * MIB, device)


def test_what_was_asked_for_by_name_stays() -> None:
    assert chosen(planned(239, "num_slabs")) == (3, 3, "fp32", 8)
    assert chosen(planned(239, "precision", device="cuda")) == (4, 4, "fp32", 16)
    assert chosen(planned(239, "accumulate")) == (3, 1, "fp32", 32)
    assert planned(1000, "batch_size").largest is None
    with pytest.raises(OutOfMemoryError):
        planned(239, "batch_size", "num_slabs")


def test_the_largest_batch_is_found_where_there_is_more() -> None:
    plan = planned(1430)
    assert chosen(plan) == (4, 1, "fp32", 8)
    assert plan.largest is not None
    assert plan.largest.config.training.batch_size == 12, "100 + 110 a volume"
    assert len(plan.considered) < 7, "by position, not one after another"
    tight = planned(540)
    assert tight.largest is None
    assert planned(10**7).largest.config.training.batch_size == 512  # type: ignore[union-attr]


def test_a_need_that_bends_does_not_mislead_the_search() -> None:
    def bent(config: RunConfig) -> StepCost:
        batch = config.training.batch_size
        peak = max(1000 + 10 * batch, 200 + 50 * batch, 30 * batch * batch) * MIB
        return StepCost(0, 0, (PhaseCost("all", peak, 0, 1),))

    for limit in (1040, 1100, 3000, 9000, 30000):
        planner = Planner(needs(limit * MIB), cost=bent)
        largest = planner.plan(config()).largest
        batch = 4 if largest is None else largest.config.training.batch_size
        assert planner.option(replace_batch(batch)).fits
        assert not planner.option(replace_batch(batch + 1)).fits


def replace_batch(batch_size: int) -> RunConfig:
    return config(batch_size)


def test_nothing_fits_in_one_line() -> None:
    with pytest.raises(OutOfMemoryError) as error:
        planned(90)
    text = str(error.value)
    assert "\n" not in text
    assert "hagan-paper-128 does not fit into 0.46 GiB" in text
    assert "a batch of 1" in text
    assert "the least that was found" in text


def test_slabs_stop_where_they_help_no_more() -> None:
    seen: list[int | None] = []

    def flat(config: RunConfig) -> StepCost:
        seen.append(slabs_of(config))
        return StepCost(0, 0, (PhaseCost("all", 500 * MIB, 0, 1),))

    with pytest.raises(OutOfMemoryError):
        Planner(needs(400 * MIB), cost=flat).plan(config())
    assert set(seen) == {8, 16}


def test_slabs_too_thin_for_the_discriminator_are_not_tried() -> None:
    """256 slices in 64 slabs of 4 leave D^H's last layer no weights."""

    def ever_less(config: RunConfig) -> StepCost:
        slabs = slabs_of(config)
        assert slabs is not None
        return StepCost(0, 0, (PhaseCost("all", 2**40 // slabs, 0, 1),))

    seen: list[int | None] = []

    def noted(config: RunConfig) -> StepCost:
        seen.append(slabs_of(config))
        return ever_less(config)

    model = replace(recipe("hagan-paper-256").model, width=8, latent_dim=8)
    with pytest.raises(OutOfMemoryError):
        Planner(MIB, cost=noted).plan(replace(config(), model=model))
    assert set(seen) == {8, 16, 32}
    assert HAGAN(replace(model, num_slabs=32)).generator is not None
    with pytest.raises(UsageError, match="at least 8"):
        replace(model, num_slabs=64)


@pytest.mark.slow
def test_real_costs_grow_with_the_batch_and_shrink_in_parts() -> None:
    small = recipe("hagan-tiny-32")
    whole = step_cost(small)
    planner = Planner(needs(whole.peak) - 1)
    plan = planner.plan(small)
    training = plan.chosen.config.training
    assert plan.chosen.fits
    assert (training.batch_size, training.precision) == (small.training.batch_size, "fp32")
    assert training.accumulate > 1 or plan.chosen.num_slabs == 16
    assert plan.considered[0].cost == whole


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_overhead_says_what_it_is(device: str) -> None:
    overhead = OVERHEADS[device]
    assert overhead.beside(1000 * MIB) >= 400 * MIB
    assert overhead.measured == ("unmeasured" not in overhead.about)


def test_the_paper_s_own_figures_are_covered() -> None:
    for live_mib, taken_mb in ((1568, 3167), (3642, 5961)):
        assert needs(live_mib * MIB, "cuda") >= taken_mb * 10**6
