"""Losses as pure functions of logits, volumes and codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hagan.types import ClassLogits, Labels, Latents, Logits, Scalar, Volumes


def bce(logits: Logits, *, real: bool) -> Scalar:
    """Binary cross entropy of logits that should say real or fake (Eqs. 4 and 5).

    Against `real=True` for fakes it is the generator's non-saturating form (Goodfellow 2014).
    """
    return functional.softplus(-logits if real else logits).mean()


def hinge(logits: Logits, *, real: bool) -> Scalar:
    """Hinge loss of D: no push once a logit is beyond 1 on its side (Lim and Ye 2017)."""
    return functional.relu(1.0 - logits if real else 1.0 + logits).mean()


def relativistic(better: Logits, worse: Logits) -> Scalar:
    """Paired relativistic loss: how far `better` is from standing above `worse` in its pair.

    Jolicoeur-Martineau 2019; Huang et al. 2024 (R3GAN).
    """
    return functional.softplus(worse - better).mean()


def gradient_square(logits: Logits, inputs: Volumes) -> Scalar:
    """Mean over the batch of the squared norm of d logits / d inputs: R1 on reals, R2 on fakes.

    Mescheder et al. 2018 without the factor gamma / 2.

    Args:
        logits: One a volume, computed from `inputs`.
        inputs: Volumes or slabs that require a gradient.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1).mean()


def class_loss(logits: ClassLogits, labels: Labels) -> Scalar:
    """Cross entropy of class logits [b, k] against one-hot labels [b, k] (Eq. 9, with its sign)."""
    return functional.cross_entropy(logits, labels.argmax(dim=1))


def rebuilt_l1(
    rebuilt: Volumes, real: Volumes, *, body_weight: float = 1.0, body_threshold: float = -1.0
) -> Scalar:
    """Mean absolute difference (Eqs. 6 and 7), voxels of the body counted `body_weight` times.

    Args:
        rebuilt: Rebuilt volumes or slabs.
        real: Real ones of the same shape.
        body_weight: Weight of voxels whose real intensity is above `body_threshold`, against 1.
        body_threshold: Where the body begins, on the scale of [-1, 1].
    """
    if body_weight == 1.0:
        return functional.l1_loss(rebuilt, real)
    sums = rebuilt_sums(rebuilt, real, body_weight=body_weight, body_threshold=body_threshold)
    return quotient(sums)


def rebuilt_sums(
    rebuilt: Volumes, real: Volumes, *, body_weight: float, body_threshold: float
) -> Float[Tensor, "b 2"]:
    """Weighted absolute difference and weight of each volume, summed; see `rebuilt_l1`.

    A batch that is cut adds these up before it divides, since a ratio of sums is no mean of ratios.
    """
    weight: Tensor = 1.0 + (body_weight - 1.0) * (real > body_threshold).to(real)
    pair = torch.stack([weight * (rebuilt - real).abs(), weight], dim=1)
    return pair.flatten(2).sum(dim=2)


def quotient(sums: Float[Tensor, "b 2"]) -> Scalar:
    """All differences over all weights."""
    difference, weight = sums.sum(dim=0)
    ratio: Scalar = difference / weight
    return ratio


def prior_moments(codes: Latents) -> Scalar:
    """How far codes lie from draws of N(0, I): root mean square, and deviation over the batch.

    Both are means over all entries, since a batch of few says little of one entry. Without the
    variance an encoder may give every volume the same code, and its reconstruction the mean volume.
    A batch of one has no variance and only its mean square counts.
    """
    penalty = (_root(codes.square().mean()) - 1.0).square()
    if len(codes) > 1:
        penalty = penalty + (_root(codes.var(dim=0).mean()) - 1.0).square()
    return penalty


def lecam(logits: Logits, other_mean: Scalar, *, real: bool) -> Scalar:
    """Squared distance by which logits are beyond the running mean of the other side's.

    Tseng et al. 2021, eq. 3: reals above what fakes have had, fakes below what reals have had.
    """
    beyond = logits - other_mean if real else other_mean - logits
    return functional.relu(beyond).square().mean()


def _root(mean: Scalar) -> Scalar:
    """Square root whose gradient stays finite at 0."""
    return torch.sqrt(mean + 1e-8)


def wasserstein(better: Logits, worse: Logits) -> Scalar:
    """How far scores of `worse` stand above those of `better` (Arjovsky et al. 2017).

    A critic minimises it with reals as the better; their gap is then the distance, with its sign
    turned.
    """
    return worse.mean() - better.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    one: Tensor,
    other: Tensor,
    mix: Float[Tensor, "b 1"],
    *,
    of: Literal["volume", "voxel"] = "volume",
) -> Scalar:
    """How far the critic's slope is from 1 between two sets (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: Scores a batch, each row by itself.
        one: Volumes or codes [b, ...].
        other: As many of the same shape.
        mix: Where between them the slope is taken: 1 at `one`.
        of: `volume` takes the norm of each volume's gradient, as the paper says; `voxel` that of
            each voxel's alone, as Kwon's WGAN notebook has it.
    """
    share = mix.view(len(mix), *([1] * (one.dim() - 1)))
    between = (share * one + (1.0 - share) * other).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    rows = slope.flatten(1) if of == "volume" else slope.reshape(-1, 1)
    norm = torch.sqrt(rows.square().sum(dim=1) + 1e-12)
    return (norm - 1.0).square().mean()


def least_squares(scores: Logits, *, real: bool) -> Scalar:
    """Mean squared distance of scores from 1 for real and 0 for fake (Mao et al. 2017)."""
    return (scores - float(real)).square().mean()


def kl_to_prior(mean: Latents, log_variance: Latents) -> Scalar:
    """Divergence of N(mean, variance) from N(0, I), as a mean over volumes and entries of the code.

    Kingma and Welling 2014, appendix B, divided by the entries.
    """
    return -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp()).mean()


def path_lengths(
    volumes: Tensor, styles: Float[Tensor, "b l z"], noise: Tensor
) -> Float[Tensor, " b"]:
    """How far each volume moves along a random direction of voxels when its styles do.

    Karras et al. 2020, eq. 4: the root of the squared gradient of the volume times noise, summed
    over a style's entries and averaged over the layers that take one.

    Args:
        volumes: Made from `styles`, each from its own.
        styles: A style for each layer; they are part of the volumes' graph.
        noise: N(0, 1) of the volumes' shape.
    """
    # A direction of length 1 whatever the number of voxels, all in all.
    along = (volumes * noise).sum() / volumes[0].numel() ** 0.5
    (slope,) = torch.autograd.grad(along, styles, create_graph=True)
    return torch.sqrt(slope.square().sum(dim=2).mean(dim=1) + 1e-12)
