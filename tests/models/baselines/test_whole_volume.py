"""What models of whole volumes share: batches as they are, and draws that shares agree on."""

from __future__ import annotations

import torch

from hagan.config.recipes import recipe
from hagan.models.baselines.whole_volume import EncodingGAN, WholeVolumeGAN
from hagan.models.build import build_model


def test_a_batch_is_taken_as_it_is_with_its_labels() -> None:
    model = build_model(recipe("alpha-gan-tiny-32").with_model(num_classes=2).model)
    assert isinstance(model, EncodingGAN)
    volumes, labels = torch.randn(2, 1, 32, 32, 32), torch.eye(2)
    batch = model.prepare(volumes, labels)
    assert batch.volumes is volumes
    assert batch.labels is labels
    assert model.num_classes == 2
    assert (model.volume_shape, model.latent_dim) == ((32, 32, 32), 64)


def test_what_encodes_is_published_with_its_encoder() -> None:
    encoding, other = (build_model(recipe(f"{f}-tiny-32").model) for f in ("cce-gan", "wgan"))
    assert isinstance(encoding, EncodingGAN)
    assert set(encoding.published()) == {"generator", "encoder"}
    assert isinstance(other, WholeVolumeGAN)
    assert not isinstance(other, EncodingGAN)
    assert set(other.published()) == {"generator"}


def test_mixing_weights_are_one_a_volume_and_follow_the_seat() -> None:
    model = build_model(recipe("wgan-tiny-32").model)
    assert isinstance(model, WholeVolumeGAN)
    like = torch.zeros(3, 1, 2, 2, 2, dtype=torch.float64)
    torch.manual_seed(0)
    mix = model.draw_mix(like)
    torch.manual_seed(0)
    assert torch.equal(mix, torch.rand(3, 1).double())

    class SecondOfTwo:
        """A share that computes the second of two volumes."""

        def rows(self, draw, count):  # type: ignore[no-untyped-def]
            return draw(2 * count)[count:]

        def whole_batch(self, rows: torch.Tensor) -> torch.Tensor:
            return rows

    model.seat = SecondOfTwo()
    torch.manual_seed(0)
    own = model.draw_mix(like[:1])
    torch.manual_seed(0)
    assert torch.equal(own, torch.rand(2, 1).double()[1:])
