"""Prints how far gradients of compiled networks are from the plain ones; run as a script.

In a process of its own, since the suite's checks of types at run time cannot be compiled, and with
torch's reference backend, since making code for every layer takes minutes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import torch
from torch import Tensor

from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN
from hagan.training.compiled import compile_networks


def made() -> HAGAN:
    torch.manual_seed(0)
    config = replace(recipe("hagan-32").model, width=8, latent_dim=8)
    return HAGAN(config).double().train()


def gradients(model: HAGAN) -> list[Tensor]:
    torch.manual_seed(1)
    batch = model.prepare(torch.rand(1, 1, 32, 32, 32, dtype=torch.float64) * 2 - 1, None)
    found: list[Tensor] = []
    for phase in model.phases():
        model.requires_grad_(False)
        phase.trains.requires_grad_(True)
        torch.manual_seed(2)
        total = torch.stack(list(phase.loss(batch).values())).sum()
        found += torch.autograd.grad(total, list(phase.trains.parameters()))
    return found


def main() -> None:
    plain, compiled = made(), made()
    done = compile_networks(compiled, "default", torch.device("cpu"), backend="aot_eager")
    pairs = list(zip(gradients(compiled), gradients(plain), strict=True))
    facts = {
        "compiled": done,
        "graphs": torch._dynamo.utils.counters["stats"]["unique_graphs"],
        "largest": max(float(expected.abs().max()) for _, expected in pairs),
        "difference": max(float((got - expected).abs().max()) for got, expected in pairs),
        "same_names": list(compiled.state_dict()) == list(plain.state_dict()),
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
