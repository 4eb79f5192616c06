"""Labels projected onto the features of D, against the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hagan.config.ha_gan import HAGANConfig
from hagan.models.ha_gan import HAGAN
from hagan.networks.ha_gan.projection import Projection


def test_it_is_the_scaled_product_of_embedding_and_features() -> None:
    torch.manual_seed(0)
    projection = Projection(label_dim=3, features_dim=8, spectral=False).double()
    labels, features = torch.randn(5, 3), torch.randn(5, 8).double()
    first, first_bias, second, second_bias = (p.detach().numpy() for p in projection.parameters())
    hidden = labels.double().numpy() @ first.T + first_bias
    embedded = np.where(hidden > 0, hidden, 0.2 * hidden) @ second.T + second_bias
    expected = np.einsum("bd,bd->b", embedded, features.numpy()) / np.sqrt(8)
    found = projection(features, labels).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("spectral", [False, True])
def test_both_branches_add_it_to_their_logit(spectral: bool) -> None:
    """The logit without the label's part is that of a D whose embedding is silenced."""
    torch.manual_seed(0)
    config = HAGANConfig(
        volume_shape=(32, 32, 32),
        width=8,
        latent_dim=8,
        num_classes=2,
        conditions=("age",),
        conditioning="projection",
        spectral_norm=spectral,
    )
    model = HAGAN(config).double().eval()
    slab, low = torch.randn(2, 1, 4, 32, 32).double(), torch.randn(2, 1, 8, 8, 8).double()
    labels = torch.tensor([[1.0, 0.0, -0.7], [0.0, 1.0, 1.3]]).double()
    seen: dict[str, torch.Tensor] = {}
    branches = {"high": model.discriminator.high, "low": model.discriminator.low}
    for name, branch in branches.items():
        assert branch is not None
        assert branch.projection is not None
        branch.projection.register_forward_hook(
            lambda module, given, added, name=name: seen.update(
                {name: added, f"{name} features": given[0]}
            )
        )
    with torch.no_grad():
        verdicts = model.judge(slab, low, 0, labels)
        hidden = seen["high features"]
        assert model.discriminator.low is not None
        torch.testing.assert_close(
            verdicts[0].logit, model.discriminator.high.logit(hidden).flatten() + seen["high"]
        )
        features = low
        for conv in model.discriminator.low.convs:
            features = torch.nn.functional.leaky_relu(conv(features), 0.2)
        answer = model.discriminator.low.last(features).flatten(1)
        torch.testing.assert_close(verdicts[1].logit, answer[:, 0] + seen["low"])
        torch.testing.assert_close(seen["low features"], answer[:, 1:])
    assert [verdict.class_logits for verdict in verdicts] == [None, None]
    assert all(features.shape == (2, 8) for name, features in seen.items() if " " in name)
