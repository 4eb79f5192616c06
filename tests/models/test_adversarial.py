"""The losses of verdicts against their formulas."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import log_softmax, softplus

from hagan.config.ha_gan import HAGANConfig
from hagan.models.adversarial import class_terms, cross_entropy, paired_terms, relativistic_sum
from hagan.networks.ha_gan.discriminator import Verdict


def config_of(adversarial: str, **changes: Any) -> HAGANConfig:
    return HAGANConfig(volume_shape=(32, 32, 32), adversarial=adversarial, **changes)


def verdicts(high: int = 2, low: int = 2, classes: int = 0) -> list[Verdict]:
    return [
        Verdict(
            torch.randn(rows).double(), torch.randn(rows, classes).double() if classes else None
        )
        for rows in (high, low)
    ]


def test_one_cross_entropy_a_branch_or_one_of_the_mean_logit() -> None:
    both = verdicts()
    high, low = both[0].logit, both[1].logit
    fake = cross_entropy(config_of("two-terms"), both, real=False)
    torch.testing.assert_close(fake, softplus(high).mean() + softplus(low).mean())
    real = cross_entropy(config_of("mean-logit"), both, real=True)
    torch.testing.assert_close(real, softplus(-(high + low) / 2).mean())


def test_pairs_are_compared_branch_by_branch() -> None:
    one, other = verdicts(), verdicts()
    expected = sum(softplus(b.logit - a.logit).mean() for a, b in zip(one, other, strict=True))
    torch.testing.assert_close(relativistic_sum(one, other), expected)


def test_penalties_count_the_voxels_of_their_branch() -> None:
    """Logits that are linear in what a branch sees have the weights' square as penalty."""
    config = config_of("relativistic", gamma_per_voxel=0.5)
    inputs = [torch.randn(2, 1, *shape).double() for shape in (config.slab_shape, config.low_shape)]
    for tensor in inputs:
        tensor.requires_grad_()
    seen = [
        Verdict(x.flatten(1).sum(1) * gain, None) for x, gain in zip(inputs, (2, 3), strict=True)
    ]
    terms = paired_terms(config, seen, seen, inputs, inputs, config.gamma_per_voxel)
    voxels = (4 * 32 * 32, 8 * 8 * 8)
    expected = sum(0.25 * v * v * gain**2 for v, gain in zip(voxels, (2, 3), strict=True))
    assert float(terms["r1"].detach()) == float(terms["r2"].detach()) == expected
    config = config_of("relativistic", low_branch=False)
    alone = paired_terms(config, seen[:1], seen[:1], inputs[:1], inputs[:1], 0.5)
    assert float(alone["r1"].detach()) == 0.25 * voxels[0] ** 2 * 4


def test_each_slab_of_a_volume_has_the_class_of_its_volume() -> None:
    config = config_of("two-terms", class_weight_discriminator=2.0, num_classes=3)
    labels = torch.eye(3).double()[[2, 0]]
    fake = verdicts(high=8, low=2, classes=3)
    chosen = [2, 2, 2, 2, 0, 0, 0, 0], [2, 0]
    expected = sum(
        -log_softmax(v.class_logits, 1)[range(len(rows)), rows].mean()
        for v, rows in zip(fake, chosen, strict=True)
    )
    terms = class_terms(config, fake, fake, labels)
    torch.testing.assert_close(terms["class_real"], 2 * expected)
    torch.testing.assert_close(terms["class_fake"], 2 * expected)
    of_generator = class_terms(config, None, fake, labels)
    torch.testing.assert_close(of_generator["class"], expected)
    assert class_terms(config, fake, fake, None) == {}


def test_the_released_form_teaches_no_classes_of_fakes_and_averages_logits() -> None:
    config = config_of("mean-logit", class_loss_on_fake=False, num_classes=3)
    labels = torch.eye(3).double()[[1, 1]]
    real = verdicts(classes=3)
    mean = (real[0].class_logits + real[1].class_logits) / 2
    terms = class_terms(config, real, verdicts(classes=3), labels)
    assert set(terms) == {"class_real"}
    torch.testing.assert_close(terms["class_real"], -log_softmax(mean, 1)[:, 1].mean())
