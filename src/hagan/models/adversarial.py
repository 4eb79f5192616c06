"""HA-GAN's adversarial and class losses, from the verdicts of D^H and D^L (Eqs. 4, 5 and 9)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hagan.config.ha_gan import HAGANConfig
from hagan.models.losses import bce, class_loss, gradient_square, hinge, relativistic
from hagan.networks.ha_gan.discriminator import Verdict
from hagan.types import Labels, Scalar


def cross_entropy(config: HAGANConfig, verdicts: Sequence[Verdict], *, real: bool) -> Scalar:
    """D's side of Eqs. (4) and (5): a loss of each branch, or one of the branches' mean logit."""
    logits = [verdict.logit for verdict in verdicts]
    if config.adversarial == "hinge":
        return torch.stack([hinge(logit, real=real) for logit in logits]).sum()
    if config.adversarial == "mean-logit":
        return bce(torch.stack(logits).mean(dim=0), real=real)
    return torch.stack([bce(logit, real=real) for logit in logits]).sum()


def fooling(config: HAGANConfig, fake: Sequence[Verdict]) -> Scalar:
    """G's side of Eqs. (4) and (5), in the non-saturating form; of a hinge, the logits' sum."""
    if config.adversarial == "hinge":
        return torch.stack([-verdict.logit.mean() for verdict in fake]).sum()
    return cross_entropy(config, fake, real=True)


def relativistic_sum(of: Sequence[Verdict], against: Sequence[Verdict]) -> Scalar:
    """Paired relativistic loss of one side's logits against the other's, over the branches."""
    pairs = zip(of, against, strict=True)
    return torch.stack([relativistic(a.logit, b.logit) for a, b in pairs]).sum()


def paired_terms(
    config: HAGANConfig,
    real: Sequence[Verdict],
    fake: Sequence[Verdict],
    real_inputs: Sequence[Tensor],
    fake_inputs: Sequence[Tensor],
    gamma: float,
) -> dict[str, Scalar]:
    """D's relativistic loss with R1 and R2, each branch weighted by the voxels it sees.

    Args:
        config: Gives the sizes.
        real: Verdicts on real inputs, D^H's first.
        fake: Verdicts on fake inputs.
        real_inputs: What each branch saw, requiring gradients.
        fake_inputs: What each branch saw, requiring gradients.
        gamma: Weight of R1 and R2 for each voxel.
    """
    r1, r2 = (logits[0].logit.new_zeros(()) for logits in (real, fake))
    for branch, count in enumerate(config.branch_voxels):
        half_gamma = 0.5 * gamma * count
        r1 = r1 + half_gamma * gradient_square(real[branch].logit, real_inputs[branch])
        r2 = r2 + half_gamma * gradient_square(fake[branch].logit, fake_inputs[branch])
    return {"pair": relativistic_sum(real, fake), "r1": r1, "r2": r2}


def class_terms(
    config: HAGANConfig,
    real: Sequence[Verdict] | None,
    fake: Sequence[Verdict],
    labels: Labels | None,
) -> dict[str, Scalar]:
    """Eq. (9): for D the classes of reals and, in the paper's form, of fakes; for G of fakes.

    Args:
        config: Gives weights and form.
        real: Verdicts on reals in D's turn; none in G's.
        fake: Verdicts on fakes.
        labels: One-hot classes of the volumes; none for an unconditional model.

    Returns:
        The terms; none where labels are projected, since the logits count them already.
    """
    if labels is None or config.conditioning == "projection":
        return {}
    if real is None:
        return {"class": config.class_weight_generator * _class(config, fake, labels)}
    weight = config.class_weight_discriminator
    terms = {"class_real": weight * _class(config, real, labels)}
    if config.class_loss_on_fake:
        terms["class_fake"] = weight * _class(config, fake, labels)
    return terms


def _class(config: HAGANConfig, verdicts: Sequence[Verdict], labels: Labels) -> Scalar:
    """Class loss of each branch, or of the branches' mean logits as in the released code."""
    logits: list[Tensor] = [v.class_logits for v in verdicts if v.class_logits is not None]
    if config.adversarial == "mean-logit":
        return class_loss(torch.stack(logits).mean(dim=0), labels)
    return torch.stack([_slabwise(logit, labels) for logit in logits]).sum()


def _slabwise(logits: Tensor, labels: Labels) -> Scalar:
    """Class loss where each volume may have several slabs, one after another."""
    return class_loss(logits, labels.repeat_interleave(len(logits) // len(labels), dim=0))
