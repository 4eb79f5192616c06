"""What HA-GAN is made of and what it minimises."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Literal

from hagan.config.adam import AdamConfig
from hagan.config.augment import AugmentConfig
from hagan.config.codec import ADDED_LATER
from hagan.config.grid import Shape3, base_of, doublings_of, three_axes
from hagan.config.warm_start import WarmStartConfig
from hagan.errors import UsageError

MOST_HIGH_DOUBLINGS = 4

NOT_NEGATIVE = (
    "gamma_per_voxel",
    "gamma_end",
    "minibatch_group",
    "lecam_weight",
    "lecam_begin",
    "class_weight_discriminator",
    "class_weight_generator",
    "slab_weight",
    "image_weight",
    "reconstruction_weight_generator",
    "prior_weight",
)
"""Weights of terms: below 0 a player would make its loss worse."""


@dataclass(frozen=True, kw_only=True)
class HAGANConfig:
    """HA-GAN (Sun et al. 2022) in its three recipes, its ablations and its conditional form.

    The defaults are the paper's (section III-E); `hagan.config.recipes` names the differences.
    """

    volume_shape: Shape3 = (256, 256, 256)
    """Voxels along d, h, w; each is a base of 3 to 7 times the same power of two, at least 8. A
    base may be 2 where no other power does, as for 512 512 256."""
    latent_dim: int = 1024
    """Entries of the latent code Z."""
    width: int = 64
    """Channels of the feature maps A; every other width keeps its ratio to it."""
    generator_widening: int = field(default=1, metadata={ADDED_LATER: True})
    """Times that G has the channels which `width` gives; more than 1 excludes an encoder, whose
    features are as wide as `width` says."""
    stem: Literal["linear", "transposed", "basis"] = field(
        default="linear", metadata={ADDED_LATER: True}
    )
    """How G^A makes its base grid: a linear layer and a convolution; one transposed convolution
    that is normalised, as in the form of 2020; or a learned grid whose channels a linear layer
    scales (R3GAN), which has a hundredth of the weights."""
    num_classes: int = 0
    """Classes of the conditional form (paper IV-C); 0 is unconditional."""
    conditions: tuple[str, ...] = field(default=(), metadata={ADDED_LATER: True})
    """Columns of the store's table, such as age, whose numbers a volume is to have. They need
    `conditioning` by projection."""
    conditioning: Literal["auxiliary", "projection"] = field(
        default="auxiliary", metadata={ADDED_LATER: True}
    )
    """How D judges whether a volume is as was asked. `auxiliary`: a head that tells the class, with
    the terms of Eq. (9). `projection`: each branch's logit gains <embed(y), f(x)> / sqrt(d) (Miyato
    and Koyama 2018), for classes and numbers alike and without a term of its own."""
    num_slabs: int = 8
    """Slabs that partition a volume along d; a slab holds depth / num_slabs slices. With 1 training
    sees full volumes."""
    high_doublings: int = field(default=2, metadata={ADDED_LATER: True})
    """Doublings of G^H, from A to the volume, and halvings of E^H. A has a quarter of each side
    with 2, as in the paper, and an eighth with 3, so that 512 needs no larger A than 256."""
    whole_every: int = field(default=0, metadata={ADDED_LATER: True})
    """Each so many steps G makes full volumes, of which D^H judges every slab of the partition: 1
    for each step, 0 for none."""
    encoder_every: int = field(default=1, metadata={ADDED_LATER: True})
    """Steps from one turn of the encoders to the next. Where reconstruction does not reach G this
    changes nothing in G and D."""

    alignment: Literal["exact", "floor"] = "exact"
    """`exact`: features are cut with a halo and the output trimmed, so a slab lies where its r says
    and its borders see their neighbours. `floor`: features are cut at r // 4 with zero padding, as
    the released code does, up to 3 slices off."""
    high_norm: Literal["group", "rms", "channel", "none", "batch"] = "group"
    """Normalisation in G^H and E^H. `group` sees the statistics of the slab in training and of the
    volume in use. The others work voxel by voxel, so that a slab equals the whole volume: `rms`
    divides by the root of the channels' mean square, `channel` centres them first, `none` does
    nothing. `batch` sees the slabs of the batch in training and remembered statistics in use."""
    common_norm: Literal["group", "rms", "batch"] = "group"
    """Normalisation in G^A, G^L and E^G, which always see the whole volume."""
    low_real: Literal["area", "nearest"] = "area"
    """Real low-resolution volume: mean of 4 x 4 x 4 voxels, or every 4th voxel (aliased)."""
    spectral_norm: bool = True
    """Spectral normalisation of every layer of D; R1 and R2 take its place in `relativistic`."""
    spectral_iterations: Literal["pass", "turn"] = field(
        default="pass", metadata={ADDED_LATER: True}
    )
    """Power iterations of the spectral norm: one each time D is passed through, as in the released
    code, or one a turn, so that real and fake meet the same D at less cost."""

    adversarial: Literal["two-terms", "mean-logit", "hinge", "relativistic"] = "two-terms"
    """`two-terms`: Eqs. (4) and (5), one cross entropy a branch. `mean-logit`: one cross entropy of
    the two logits' mean, as the released code. `hinge`: a hinge loss a branch. `relativistic`:
    paired logits with R1 and R2."""
    gamma_per_voxel: float = 3e-4
    """Weight of R1 and R2 for each voxel that a branch of D sees; only for `relativistic`."""
    gamma_end: float = field(default=1.0, metadata={ADDED_LATER: True})
    """Share of that weight which is left at the end of the run, by a half cosine."""
    minibatch_group: int = field(default=0, metadata={ADDED_LATER: True})
    """Volumes whose spread each branch of D is told before its last convolution; 0 tells none."""
    lecam_weight: float = field(default=0.0, metadata={ADDED_LATER: True})
    """Weight that holds D's logits near the running means of the other side's (Tseng et al. 2021);
    not for `relativistic`, whose logits have no level."""
    lecam_begin: float = field(default=0.1, metadata={ADDED_LATER: True})
    """Share of the run after which it counts."""
    class_weight_discriminator: float = 1.0
    """Weight of the class terms of Eq. (9) for D."""
    class_weight_generator: float = 1.0
    """Weight of the class terms of Eq. (9) for G."""
    class_loss_on_fake: bool = True
    """Whether D also learns to classify fakes, as Eq. (9) has it and the released code has not."""

    slab_weight: float = 5.0
    """Lambda 1 of Eq. (8): weight of Eq. (6), the slab rebuilt from its own features."""
    image_weight: float = 5.0
    """Lambda 2 of Eq. (8): weight of Eq. (7), both resolutions rebuilt from the latent code."""
    image_reduction: Literal["sum", "mean"] = "sum"
    """How the two terms of Eq. (7) are joined; the released code takes their mean."""
    reconstruction_weight_generator: float = 0.0
    """Weight with which Eq. (7) also reaches G; 0 leaves reconstruction to the encoders (III-C)."""
    prior_weight: float = 0.0
    """Weight that gives encoded latents the moments of N(0, I), so that they differ from volume to
    volume and what reconstruction teaches G reaches its samples."""
    body_weight: float = 1.0
    """How many times a voxel of the body counts against one of the background in a reconstruction.
    Plain L1 on volumes that are mostly background has a constant as a cheap optimum."""
    body_threshold: float = -0.95
    """Real intensity above which a voxel belongs to the body."""
    augment: AugmentConfig | None = field(default=None, metadata={ADDED_LATER: True})
    """Change what D sees at random, late in the run; none does not."""
    warm_start: WarmStartConfig | None = field(default=None, metadata={ADDED_LATER: True})
    """Rebuild the training volumes from fixed codes before and beside the game; none does not."""

    low_branch: bool = True
    """Ablation of Table IV: without it neither G^L nor D^L is made."""
    encoder: bool = True
    """Ablation of Table IV: without it neither E^H nor E^G is made."""
    middle_branch: bool = field(default=False, metadata={ADDED_LATER: True})
    """A third branch of the game: G also makes the whole at half of each side from what G^H has
    there, and D^M judges it. Training alone has it; generation is unchanged. It lies between the
    two resolutions of the paper, and so needs `high_doublings` of 2."""
    noise: bool = field(default=False, metadata={ADDED_LATER: True})
    """Noise before each normalisation of G^H, with a learned gain a channel that starts at 0. It
    follows from the code and the place, so that volumes stream without seams."""
    template: bool = field(default=False, metadata={ADDED_LATER: True})
    """A learned volume that G adds to what it makes, before tanh; it begins as the mean of the
    training volumes, so that the networks learn how volumes differ. At most 64 voxels a side."""
    low_skip: bool = field(default=False, metadata={ADDED_LATER: True})
    """G^H makes what the low-resolution volume of G^L, stretched, lacks (LAPGAN, Denton et al.
    2015), and not all of the volume anew."""
    random_start: bool = True
    """Ablation of Table IV: without it r is one of the slabs of the partition."""

    adam_generator: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=1e-4))
    """Adam of G^A, G^L and G^H."""
    adam_discriminator: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=4e-4))
    """Adam of D^H and D^L."""
    adam_encoder: AdamConfig = field(default_factory=lambda: AdamConfig(learning_rate=1e-4))
    """Adam of E^H and of E^G, one each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_shape", three_axes(self.volume_shape))
        if not 1 < self.high_doublings <= MOST_HIGH_DOUBLINGS:
            raise UsageError(f"high_doublings must be from 2 to {MOST_HIGH_DOUBLINGS}")
        self.num_doublings  # noqa: B018  raises for a shape that no network fits
        depth, step = self.volume_shape[0], self.reduction
        fitting = [n for n in range(1, depth // step + 1) if depth % (step * n) == 0]
        # All but the last three layers of D^H halve a slab's depth too.
        thinnest = 2 ** max(self.num_doublings + self.high_doublings - 3, 0)
        if self.num_slabs not in fitting or depth // self.num_slabs < thinnest:
            listed = [n for n in fitting if n <= 16 and depth // n >= thinnest]
            raise UsageError(
                f"{depth} slices cannot be cut into {self.num_slabs} slabs of a multiple of {step} "
                f"slices and at least {thinnest}; set num_slabs to one of {listed}"
            )
        narrowest = max(4, 2**self.high_doublings)
        if self.latent_dim < 1 or self.width < 4 or self.width % narrowest:
            raise UsageError(f"latent_dim must be at least 1 and width a multiple of {narrowest}")
        if self.whole_every < 0 or self.encoder_every < 1:
            raise UsageError("whole_every must not be negative, and encoder_every be at least 1")
        if self.whole_every and self.adversarial == "mean-logit":
            raise UsageError(
                "whole_every judges several slabs of a volume, whose logits mean-logit cannot join "
                "with the one of D^L; set model.adversarial to two-terms"
            )
        if self.num_classes == 1 or self.num_classes < 0:
            raise UsageError("num_classes is 0 (unconditional) or at least 2")
        if len(set(self.conditions)) < len(self.conditions) or "" in self.conditions:
            raise UsageError("conditions are names of columns, each given once")
        if self.conditions and self.conditioning != "projection":
            raise UsageError(
                "an auxiliary head tells classes, not numbers; with conditions set "
                "model.conditioning to projection"
            )
        for name in NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must not be negative")
        if not self.body_weight > 0:
            raise UsageError("body_weight must be above 0")
        if self.generator_widening < 1 or (self.generator_widening > 1 and self.encoder):
            raise UsageError("generator_widening must be 1 with an encoder, and at least 1 without")
        if self.reconstruction_weight_generator > 0 and not self.encoder:
            raise UsageError("reconstruction cannot reach G without an encoder")
        if self.low_skip and not self.low_branch:
            raise UsageError(
                "low_skip stretches what G^L makes; without low_branch set model.low_skip=false"
            )
        exact = self.alignment == "exact" and self.high_norm not in ("group", "batch")
        if self.whole_every and (self.template or self.low_skip) and not exact:
            raise UsageError(
                "with whole_every, template and low_skip need model.alignment=exact and a "
                "model.high_norm of rms, channel or none; set them to false for others"
            )
        if self.middle_branch and self.high_doublings != 2:
            raise UsageError("middle_branch needs model.high_doublings=2")
        if self.lecam_weight > 0 and self.adversarial == "relativistic":
            raise UsageError("lecam_weight is not for relativistic, whose logits have no level")
        if self.minibatch_group == 1:
            raise UsageError("minibatch_group is 0, or at least 2 volumes")
        if self.minibatch_group and self.whole_every:
            raise UsageError("minibatch_group cannot join the several slabs of whole_every")
        adapts = self.augment is not None and self.augment.adapt_to is not None
        if adapts and self.adversarial == "relativistic":
            raise UsageError(
                "augment.adapt_to is not for relativistic, whose logits have no level; leave it out"
            )
        if self.warm_start is not None and self.reconstruction_weight_generator > 0:
            raise UsageError(
                "warm_start rebuilds from fixed codes; set reconstruction_weight_generator to 0"
            )

    @property
    def label_dim(self) -> int:
        """Entries of a volume's label: its class as one-hot, then its numbers."""
        return self.num_classes + len(self.conditions)

    @property
    def fullest_progress(self) -> float:
        """Share of a run at which the game, rebuilding and augmentation go on at once, if ever."""
        warm, augment = self.warm_start, self.augment
        if warm is None:
            return 1.0
        if augment is not None and warm.share < augment.begin < warm.until:
            return augment.begin
        return warm.share

    @property
    def reduction(self) -> int:
        """Voxels of the volume along each axis for one of A."""
        return int(2**self.high_doublings)

    @property
    def num_doublings(self) -> int:
        """Doublings of G^A: how often its base grid is doubled to reach A.

        Raises:
            UsageError: No base grid fits the volume shape.
        """
        return doublings_of(self.volume_shape, reduction=self.reduction)

    @property
    def base_shape(self) -> Shape3:
        """Grid at which G^A starts."""
        return base_of(self.volume_shape, reduction=self.reduction)

    @property
    def low_shape(self) -> Shape3:
        """Grid of A and of the low-resolution volume."""
        d, h, w = (size // self.reduction for size in self.volume_shape)
        return d, h, w

    @property
    def slab_shape(self) -> Shape3:
        """Grid of a slab."""
        depth, height, width = self.volume_shape
        return depth // self.num_slabs, height, width

    @property
    def middle_shape(self) -> Shape3:
        """Voxels of what the middle branch sees."""
        depth, height, width = self.volume_shape
        return depth // 2, height // 2, width // 2

    @property
    def slab_voxels(self) -> int:
        """Voxels that D^H sees."""
        return prod(self.slab_shape)

    @property
    def low_voxels(self) -> int:
        """Voxels that D^L sees."""
        return prod(self.low_shape)

    @property
    def branch_voxels(self) -> tuple[int, ...]:
        """Voxels that each branch of D sees: D^H, then D^L and D^M where there are such."""
        low = (self.low_voxels,) if self.low_branch else ()
        return self.slab_voxels, *low, *((prod(self.middle_shape),) * self.middle_branch)
