"""HA-GAN: sizes of the published networks, terms of each recipe, and where gradients go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hagan.config.ha_gan import HAGANConfig
from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN, RealBatch
from hagan.models.losses import prior_moments
from training.processes import EVERY_TURN

FAMILIES = ("hagan", "hagan-paper", "hagan-official")


def small(family: str = "hagan-paper", **changes: Any) -> HAGAN:
    config = recipe(f"{family}-32").model
    assert isinstance(config, HAGANConfig)
    return HAGAN(replace(config, width=8, latent_dim=16, **changes))


def volumes(count: int = 2) -> Tensor:
    return torch.rand(count, 1, 32, 32, 32) * 2 - 1


def one_hot(*classes: int) -> Tensor:
    return functional.one_hot(torch.tensor(classes), 3).float()


def terms_of(model: HAGAN, batch: RealBatch) -> dict[str, dict[str, Tensor]]:
    return {phase.name: dict(phase.loss(batch)) for phase in model.phases()}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# Sizes.


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("side", "total"), [(32, 74_747_780), (64, 78_672_324), (128, 79_583_972), (256, 79_744_884)]
)
def test_sizes_are_those_of_table_vii(family: str, side: int, total: int) -> None:
    config = recipe(f"{family}-{side}").model
    assert isinstance(config, HAGANConfig)
    with torch.device("meta"):
        model = HAGAN(config)
    # A voxel of a template is a weight; the paper has none.
    of_templates = min(side, 64) ** 3 + (side // 4) ** 3 if family == "hagan" else 0
    assert parameters(model) == total + of_templates
    assert parameters(model.generator) == 52_518_210 + of_templates


def test_the_form_of_2020_has_the_parameters_of_its_networks() -> None:
    """112.94 million in G; the discriminator is the released one."""
    with torch.device("meta"):
        old, released = (
            HAGAN(recipe(f"{family}-256").model)  # type: ignore[arg-type]
            for family in ("hagan-early", "hagan-official")
        )
    assert round(parameters(old.generator) / 1e6, 2) == 112.94
    discriminators = [model.get_submodule("discriminator") for model in (old, released)]
    assert parameters(discriminators[0]) == parameters(discriminators[1])
    assert set(old.published()) == {"generator"}


def test_a_class_enters_where_the_paper_says_and_nowhere_else() -> None:
    """Section IV-C: 5 more inputs of G^A, and 5 more outputs of each branch of D."""
    config = HAGANConfig(volume_shape=(128, 128, 128))
    with torch.device("meta"):
        plain, conditional = HAGAN(config), HAGAN(replace(config, num_classes=5))
    assert parameters(conditional.generator) - parameters(plain.generator) == 5 * 512 * 4**3
    more = 5 * (64 + 1) + 5 * (256 * 4**3 + 1)
    assert parameters(conditional.discriminator) - parameters(plain.discriminator) == more
    assert conditional.encoder is not None
    assert plain.encoder is not None
    assert parameters(conditional.encoder) == parameters(plain.encoder)


# Phases and terms.


def test_the_papers_phases_in_its_order() -> None:
    model = small()
    batch = model.prepare(volumes(), None)
    assert {name: set(terms) for name, terms in terms_of(model, batch).items()} == {
        "discriminator": {"real", "fake"},
        "generator": {"fake"},
        "high_encoder": {"slab"},
        "ground_encoder": {"rebuilt_slab", "rebuilt_low"},
    }
    assert [phase.name for phase in model.phases()] == [
        "discriminator",
        "generator",
        "high_encoder",
        "ground_encoder",
    ]


def test_ours_rebuilds_fixed_codes_in_the_generators_turn() -> None:
    model = small("hagan")
    model.begin_step(0)
    batch = model.prepare(volumes(), None)
    assert {name: set(terms) for name, terms in terms_of(model, batch).items()} == {
        "discriminator": {"pair", "r1", "r2"},
        "generator": {"fake", "rebuilt_slab", "rebuilt_low"},
        "high_encoder": {"slab"},
        "ground_encoder": {"rebuilt_slab", "rebuilt_low", "codes", "prior"},
    }


def test_learned_codes_are_rebuilt_there_too() -> None:
    model = small("hagan", **EVERY_TURN)
    batch = model.prepare(volumes(), None)
    assert {name: set(terms) for name, terms in terms_of(model, batch).items()} == {
        "discriminator": {"pair", "r1", "r2"},
        "generator": {"fake", "rebuilt_slab", "rebuilt_low", "prior"},
        "high_encoder": {"slab"},
    }


@pytest.mark.parametrize(
    ("family", "discriminator"),
    [
        ("hagan-paper", {"class_real", "class_fake"}),
        ("hagan-official", {"class_real"}),
        ("hagan", {"class_real"}),
    ],
)
def test_class_terms_of_each_recipe(family: str, discriminator: set[str]) -> None:
    """Eq. (9), and the released code's form of it."""
    model = small(family, num_classes=3)
    terms = terms_of(model, model.prepare(volumes(), one_hot(0, 2)))
    found = {name for name in terms["discriminator"] if name.startswith("class")}
    assert found == discriminator
    assert "class" in terms["generator"]


def test_official_class_terms_are_those_of_the_mean_logits_with_its_weights() -> None:
    """The released code: 1.0 on reals in D, 0.1 on fakes in G, both branches' logits averaged."""
    model = small("hagan-official", num_classes=3).eval()
    labels = one_hot(2, 1)
    batch = model.prepare(volumes(), labels)
    logits = [v.class_logits for v in model.judge(batch.slab, batch.low, batch.start)]
    expected = functional.cross_entropy((logits[0] + logits[1]) / 2, torch.tensor([2, 1]))
    torch.testing.assert_close(model.discriminator_loss(batch)["class_real"], expected)
    seed = int(torch.randint(1 << 30, ()))
    torch.manual_seed(seed)
    given = model.generator_loss(batch)["class"]
    torch.manual_seed(seed)
    pair = model.pair_of(model.draw_latents(2), labels, batch.start)
    logits = [v.class_logits for v in model.judge(pair.slab, pair.low, batch.start)]
    expected = functional.cross_entropy((logits[0] + logits[1]) / 2, torch.tensor([2, 1]))
    torch.testing.assert_close(given, 0.1 * expected)


@pytest.mark.parametrize(("family", "joined"), [("hagan-paper", "sum"), ("hagan-official", "mean")])
def test_both_branches_count_as_the_recipe_joins_them(family: str, joined: str) -> None:
    """Eqs. (4) and (5) added, or one cross entropy of the mean of two logits."""
    model = small(family).eval()
    batch = model.prepare(volumes(3), None)
    high, low = (v.logit for v in model.judge(batch.slab, batch.low, batch.start))
    ones = torch.ones(3)
    if joined == "sum":
        expected = functional.binary_cross_entropy_with_logits(
            high, ones
        ) + functional.binary_cross_entropy_with_logits(low, ones)
    else:
        expected = functional.binary_cross_entropy_with_logits((high + low) / 2, ones)
    torch.testing.assert_close(model.discriminator_loss(batch)["real"], expected)


@pytest.mark.parametrize(("family", "factor"), [("hagan-paper", 5.0), ("hagan-official", 0.5)])
def test_eq_7_is_the_l1_of_both_resolutions(family: str, factor: float) -> None:
    model = small(family).eval()
    batch = model.prepare(volumes(), None)
    rebuilt = model.pair_of(model.encode(batch.volumes), None, batch.start)
    terms = model.ground_encoder_loss(batch)
    expected = factor * (rebuilt.slab - batch.slab).abs().mean()
    torch.testing.assert_close(terms["rebuilt_slab"], expected)
    expected = factor * (rebuilt.low - batch.low).abs().mean()
    torch.testing.assert_close(terms["rebuilt_low"], expected)


@pytest.mark.parametrize(("family", "factor"), [("hagan-paper", 5.0), ("hagan-official", 1.0)])
def test_eq_6_rebuilds_the_slab_from_its_own_features(family: str, factor: float) -> None:
    model = small(family).eval()
    batch = model.prepare(volumes(), None)
    assert model.encoder is not None
    rebuilt = model.generator.high(model.encoder.high(batch.slab))
    expected = factor * (rebuilt - batch.slab).abs().mean()
    torch.testing.assert_close(model.high_encoder_loss(batch)["slab"], expected)


def test_ours_holds_codes_to_the_moments_of_the_prior() -> None:
    model = small("hagan").eval()
    batch = model.prepare(volumes(4), None)
    config = model.config
    expected = prior_moments(model.encode(batch.volumes)) * config.prior_weight
    given = model.joint_generator_loss(batch)["prior"]
    torch.testing.assert_close(given, expected)


# Ablations of Table IV.


def test_without_the_low_branch_neither_network_nor_term_is_left() -> None:
    model = small(low_branch=False)
    assert model.generator.low is None
    assert model.discriminator.low is None
    terms = terms_of(model, model.prepare(volumes(), None))
    assert set(terms["ground_encoder"]) == {"rebuilt_slab"}


def test_without_the_encoder_both_its_phases_are_gone() -> None:
    model = small(encoder=False)
    assert model.encoder is None
    assert [phase.name for phase in model.phases()] == ["discriminator", "generator"]
    assert set(model.published()) == {"generator"}
    with pytest.raises(AssertionError, match="no encoder"):
        model.encode(volumes(1))


def test_deterministic_r_is_one_of_the_partition() -> None:
    model = small(random_start=False)
    real = volumes(1)
    assert {model.prepare(real, None).start for _ in range(100)} == set(model.selector.starts)


# What a batch holds.


def test_one_r_for_the_whole_batch_and_all_of_its_parts() -> None:
    model = small()
    real = volumes(3)
    starts = set()
    for _ in range(60):
        batch = model.prepare(real, None)
        starts.add(batch.start)
        assert torch.equal(batch.slab, real[:, :, batch.start : batch.start + 4])
    assert len(starts) > 10


@pytest.mark.parametrize(
    ("family", "one_voxel"), [("hagan", 1 / 64), ("hagan-paper", 1 / 64), ("hagan-official", 0.0)]
)
def test_low_resolution_is_the_mean_or_every_fourth_voxel(family: str, one_voxel: float) -> None:
    model = small(family)
    real = torch.zeros(1, 1, 32, 32, 32)
    real[0, 0, 9, 10, 11] = 1.0
    low = model.prepare(real, None).low
    assert low.shape == (1, 1, 8, 8, 8)
    assert float(low[0, 0, 2, 2, 2]) == one_voxel
    real[0, 0, 8, 8, 8] = 1.0
    low = model.prepare(real, None).low
    assert float(low[0, 0, 2, 2, 2]) == (1.0 if family == "hagan-official" else 2 / 64)


def test_labels_of_the_store_do_not_reach_an_unconditional_model() -> None:
    assert small().prepare(volumes(), one_hot(0, 1)).labels is None


# Encoding.


@pytest.mark.parametrize("norm", ["rms", "group"])
def test_encoding_in_one_piece_or_slab_by_slab(norm: str) -> None:
    """Section III-C encodes the partition's slabs.

    With `rms` a slab's features are the whole volume's where no slab ends: a cut face disturbs the
    outermost features, and encoding in one piece is what has no seams.
    """
    model = small(high_norm=norm).eval()
    assert model.encoder is not None
    assert model.exact_encoder == (norm == "rms")
    real = volumes(1)
    with torch.no_grad():
        features = model.encode_features(real)
        slabs = [model.encoder.high(model.selector.high(real, t)) for t in model.selector.starts]
        joined = torch.cat(slabs, dim=2)
        whole = model.encoder.high(real)
    expected, other = (whole, joined) if norm == "rms" else (joined, whole)
    torch.testing.assert_close(features, expected)
    assert not torch.allclose(features, other, atol=1e-3)
    torch.testing.assert_close(model.encode(real), model.encoder.ground(expected))


def test_with_a_halo_the_slabs_features_join_to_the_whole() -> None:
    model = small("hagan").double().eval()
    assert model.encoder is not None
    real = volumes(2).double()
    with torch.no_grad():
        parts = []
        for start in model.selector.starts:
            span = model.selector.feature_span(start)
            features = model.encoder.high.slab_features(real, model.selector, start)
            own = start // 4 - span.start
            parts.append(features[:, :, own : own + model.selector.slab_depth // 4])
        whole = model.encode_features(real)
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, rtol=0, atol=1e-12)


# Where gradients go.


def reached(model: HAGAN, phase_name: str) -> set[str]:
    """Parts of the model that a phase's loss gives a gradient, were nothing frozen."""
    batch = model.prepare(volumes(), None)
    (phase,) = (phase for phase in model.phases() if phase.name == phase_name)
    model.requires_grad_(True).zero_grad(set_to_none=True)
    torch.stack(list(phase.loss(batch).values())).sum().backward()
    return {
        ".".join(name.split(".")[:2])
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().max() > 0)
    }


GENERATOR = {"generator.common", "generator.low", "generator.high"}
DISCRIMINATOR = {"discriminator.high", "discriminator.low"}


@pytest.mark.parametrize("family", FAMILIES)
def test_ds_loss_never_reaches_g(family: str) -> None:
    assert reached(small(family), "discriminator") == DISCRIMINATOR


def test_gs_loss_reaches_all_of_g_and_with_learned_codes_e_g_but_never_e_h() -> None:
    assert reached(small(), "generator") == GENERATOR | DISCRIMINATOR
    assert reached(small("hagan"), "generator") == GENERATOR | DISCRIMINATOR
    learned = reached(small("hagan", **EVERY_TURN), "generator")
    assert learned == GENERATOR | DISCRIMINATOR | {"encoder.ground"}


@pytest.mark.parametrize("family", FAMILIES)
def test_eq_6_reaches_e_h_through_g_h_alone(family: str) -> None:
    # A skip begins with the real low-resolution volume less the template of G^L.
    base = {"generator.low"} if family == "hagan" else set()
    assert reached(small(family), "high_encoder") == {"encoder.high", "generator.high"} | base


@pytest.mark.parametrize("family", FAMILIES)
def test_eq_7_reaches_e_g_and_not_e_h(family: str) -> None:
    """Section III-C: E^H is learnt by Eq. (6) alone."""
    assert reached(small(family), "ground_encoder") == GENERATOR | {"encoder.ground"}


def test_what_each_phase_moves_with_learned_codes() -> None:
    model = small("hagan", **EVERY_TURN)
    moved = {
        phase.name: {id(parameter) for parameter in phase.trains.parameters()}
        for phase in model.phases()
    }
    assert model.encoder is not None
    of_g = {id(p) for p in model.generator.parameters()}
    of_e_g = {id(p) for p in model.encoder.ground.parameters()}
    assert moved["generator"] == of_g | of_e_g
    assert moved["high_encoder"] == {id(p) for p in model.encoder.high.parameters()}
