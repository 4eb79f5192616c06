"""Names for the tensors that travel between layers, and the legend of their axes.

Axes: ``b`` batch, ``c`` channels, ``d h w`` depth, height, width of a volume, where ``d`` counts
axial slices from feet to head, ``h`` runs from front to back and ``w`` from the patient's right to
the left (axis codes S, P, L); ``z`` entries of a latent vector, ``k`` entries of a label,
``f`` features.
"""

from __future__ import annotations

from typing import TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

Volumes: TypeAlias = Float[Tensor, "b 1 d h w"]
"""Whole volumes, intensities in [-1, 1]."""

Slabs: TypeAlias = Float[Tensor, "b 1 _ h w"]
"""Slabs: as wide as the volume, with fewer slices."""

SlabsOfEach: TypeAlias = Float[Tensor, "_ 1 _ h w"]
"""One slab of each volume, or several of each volume in turn."""

LowVolumes: TypeAlias = Float[Tensor, "b 1 _ _ _"]
"""Whole volumes at low resolution."""

FeatureMaps: TypeAlias = Float[Tensor, "b _ _ _ _"]
"""Intermediate feature maps of a network, such as the paper's A; channels, then d, h, w."""

Latents: TypeAlias = Float[Tensor, "b z"]
"""Latent codes, the paper's Z."""

Rows: TypeAlias = Float[Tensor, "b _"]
"""Numbers drawn for each volume, such as latents or mixing weights."""

Seeds: TypeAlias = Int[Tensor, " b"]
"""A whole number for each volume, from which its noise follows."""

Labels: TypeAlias = Float[Tensor, "b k"]
"""What volumes are conditioned on: the class as one-hot, then standardised covariates."""

Logits: TypeAlias = Float[Tensor, " b"]
"""One real-against-fake logit a volume."""

ClassLogits: TypeAlias = Float[Tensor, "b k"]
"""Class logits of the auxiliary classifier."""

Scalar: TypeAlias = Float[Tensor, ""]
"""A loss."""
