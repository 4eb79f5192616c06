"""The interface's own defaults; what every model must do is in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from hagan.models.gan import GAN, Encodes, Phase
from hagan.types import Labels, Latents, Volumes


class OneLayer(GAN[Volumes]):
    """The smallest GAN there is: a linear map to 2 x 2 x 2 voxels, and nobody to judge it."""

    def __init__(self) -> None:
        super().__init__()
        self.volume_shape, self.latent_dim, self.num_classes = (2, 2, 2), 500, 0
        self.generator = nn.Linear(500, 8)

    def phases(self) -> Sequence[Phase[Volumes]]:
        return []

    def prepare(self, real: Volumes, labels: Labels | None) -> Volumes:
        return real

    def generate(self, latents: Latents, labels: Labels | None = None) -> Volumes:
        return torch.tanh(self.generator(latents)).view(-1, 1, 2, 2, 2)


def test_latents_are_standard_normal_in_the_models_type() -> None:
    model = OneLayer().double()
    torch.manual_seed(0)
    latents = model.draw_latents(200)
    assert latents.shape == (200, 500)
    assert latents.dtype == torch.float64
    assert abs(float(latents.mean())) < 0.02
    assert abs(float(latents.std()) - 1.0) < 0.02
    torch.manual_seed(0)
    assert torch.equal(model.draw_latents(200), latents)


def test_a_model_publishes_its_generator_and_need_not_encode() -> None:
    model = OneLayer()
    assert dict(model.published()) == {"generator": model.generator}
    assert not isinstance(model, Encodes)


def test_a_model_without_phases_cannot_be_made() -> None:
    class Unfinished(GAN[Volumes]):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Unfinished()  # type: ignore[abstract]


def test_a_model_that_makes_volumes_whole_gives_them_in_slabs_all_the_same() -> None:
    model = OneLayer()
    latents = model.draw_latents(3)
    slabs = list(model.generate_slabs(latents, depth=1))
    assert [slab.shape for slab in slabs] == [(3, 1, 1, 2, 2)] * 2
    assert not slabs[0].requires_grad
    assert torch.equal(torch.cat(slabs, dim=2), model.generate(latents))
    assert model.slab_bytes(1) == 0
