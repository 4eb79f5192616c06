"""R1 and R2 of HA-GAN's critics against finite differences, in every precision of training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hagan.config.augment import AugmentConfig
from hagan.config.ha_gan import HAGANConfig
from hagan.models.branches import Pair, RealBatch
from hagan.models.ha_gan import HAGAN
from hagan.networks.augment import new_draws

PRECISIONS = ["fp64", "fp32", "bf16"]
COUNT = 3


def made(precision: str, **changes: Any) -> HAGAN:
    """The same model in each precision: drawn in float64, rounded."""
    torch.manual_seed(0)
    settings = {"adversarial": "relativistic", "spectral_norm": False, "encoder": False}
    config = HAGANConfig(volume_shape=(32, 32, 32), width=8, latent_dim=16, **settings, **changes)  # type: ignore[arg-type]
    model = HAGAN(config).double()
    model.begin_step(0, 1.0)
    return model if precision == "fp64" else model.float()


def batch_of(model: HAGAN) -> RealBatch:
    generator = torch.Generator().manual_seed(4)
    volumes = torch.rand(COUNT, 1, 32, 32, 32, generator=generator, dtype=torch.float64) * 2 - 1
    torch.manual_seed(3)
    return model.prepare(volumes.to(next(model.parameters())), None)


def turn(model: HAGAN, precision: str) -> dict[str, Tensor]:
    """D's turn as the trainer takes it."""
    batch = batch_of(model)
    torch.manual_seed(7)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        return dict(model.discriminator_loss(batch))


def logits_of(model: HAGAN, batch: RealBatch, pair: Pair) -> list[Tensor]:
    return [verdict.logit.detach() for verdict in model._judged(pair, batch)]


def squares(model: HAGAN, batch: RealBatch, pair: Pair, state: Tensor, step: float) -> list[float]:
    """Squared norm of each branch's slope: the difference quotient along the slope itself."""
    found = []
    for branch, inputs in enumerate(pair.inputs):
        seen = pair.mapped(lambda t: t.detach().clone().requires_grad_())
        torch.set_rng_state(state)
        logit = model._judged(seen, batch)[branch].logit
        (slope,) = torch.autograd.grad(logit.sum(), seen.inputs[branch])
        length = slope.flatten(1).norm(dim=1).view(-1, 1, 1, 1, 1)
        along = slope / length
        quotients = []
        for sign in (1, -1):
            moved = [t.detach() for t in pair.inputs]
            moved[branch] = inputs.detach() + sign * step * along
            torch.set_rng_state(state)
            quotients.append(logits_of(model, batch, Pair(*moved))[branch])
        rise = (quotients[0] - quotients[1]) / (2 * step)
        found.append(float(rise.square().mean()))
    return found


@pytest.mark.parametrize("augmented", [False, True], ids=["plain", "augmented"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_terms_are_the_squared_slopes_of_the_critics(
    precision: str, *, augmented: bool
) -> None:
    """Through augmentation too: a slope is that of what was given, not of what was made of it."""
    changes = {"augment": AugmentConfig(begin=0.0, probability=0.9)} if augmented else {}
    terms = turn(made(precision, **changes), precision)
    model = made("fp64", **changes)
    batch = batch_of(model)
    torch.manual_seed(7)
    with torch.no_grad():
        pair = model.drawn_pair(batch)
    state = torch.get_rng_state()
    config = model.config
    for name, seen in (("r1", batch.beside(pair)), ("r2", pair)):
        slopes = squares(model, batch, seen, state, 1e-7)
        expected = sum(
            0.5 * config.gamma_per_voxel * voxels * square
            for voxels, square in zip(config.branch_voxels, slopes, strict=True)
        )
        # Volumes that G makes in bf16 are others, and so are slopes there.
        accuracy = {"fp64": 1e-5, "fp32": 1e-3, "bf16": 1e-3 if name == "r1" else 0.05}[precision]
        assert float(terms[name].detach()) == pytest.approx(expected, rel=accuracy), name
        state = _after_draws(state, augmented=augmented)


def _after_draws(state: Tensor, *, augmented: bool) -> Tensor:
    """The random state once one side's changes are drawn."""
    torch.set_rng_state(state)
    if augmented:
        new_draws(COUNT)
    return torch.get_rng_state()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("term", ["r1", "r2"])
def test_their_gradients_are_those_of_finite_differences(term: str, precision: str) -> None:
    """The weights' gradient along itself, which needs the gradient of a gradient."""
    model = made(precision)
    weights = [p for p in model.discriminator.parameters() if p.dim() > 1]
    slopes = torch.autograd.grad(turn(model, precision)[term], weights, allow_unused=True)
    exact = made("fp64")
    theirs = [p for p in exact.discriminator.parameters() if p.dim() > 1]
    along = [
        torch.zeros_like(p) if s is None else s.double()
        for s, p in zip(slopes, theirs, strict=True)
    ]
    length = torch.sqrt(torch.stack([a.square().sum() for a in along]).sum())
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight, slope in zip(theirs, along, strict=True):
                weight.add_(slope, alpha=float(sign * 1e-7 / length))
        values.append(float(turn(exact, "fp64")[term].detach()))
        with torch.no_grad():
            for weight, slope in zip(theirs, along, strict=True):
                weight.sub_(slope, alpha=float(sign * 1e-7 / length))
    quotient = (values[0] - values[1]) / 2e-7
    accuracy = {"fp64": 1e-4, "fp32": 1e-3, "bf16": 1e-3 if term == "r1" else 0.05}[precision]
    assert quotient == pytest.approx(float(length), rel=accuracy)
