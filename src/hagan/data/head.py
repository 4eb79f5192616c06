"""A brain out of a whole head: the steps of FreeSurfer in the paper, IV-A, by other means.

The brain is found, its shading removed, it is registered affinely to MNI152, resampled there at
1 mm, and its intensities are brought to one scale.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.bias_field import correct_bias
from hagan.data.brain_extraction import brain_mask, check_volume, load_networks
from hagan.data.itk import simple_itk
from hagan.data.morphology import Mask
from hagan.data.registration import Registration, check_registration, register, resample
from hagan.data.step_picture import Step, Watch, unwatched
from hagan.data.template import mni152
from hagan.data.volume import Volume
from hagan.data.white_matter import scale_white_matter


@dataclass(frozen=True, eq=False)
class BrainOfHead:
    """A brain in MNI152's space, and what it was made from."""

    brain: Volume
    """On the template's grid; 0 around it, white matter near 110."""
    registration: Registration
    """How its space lies to the scanner's."""
    mask: Mask
    """Where the brain was in the scan."""
    corrected: Volume
    """The scan without its shading."""

    @property
    def to_scanner(self) -> NDArray[np.float64]:
        """4 x 4: millimetres of the template's space to the scanner's, both RAS."""
        return self.registration.to_scanner


def brain_of_head(
    head: Volume, mask: Mask | None = None, *, name: str = "scan", watch: Watch = unwatched
) -> BrainOfHead:
    """Take the brain out of a T1 scan of a head, and bring it to MNI152.

    Args:
        head: The scan in canonical orientation.
        mask: Where the brain is, if that is known, [d, h, w].
        name: What error texts call the scan.
        watch: Called with each step, for pictures; also with the one that is refused.

    Returns:
        The brain and the steps to it.

    Raises:
        ScanError: E124 no brain was found; E125 it does not come to lie on the template.
        UsageError: A package of the extra is not installed.
        UnsafeFileError: A packaged file is another than the known one.
    """
    template = mni152()
    if mask is None:
        mask = brain_mask(head, name=name)
    watch(Step("scan, brain outlined", head, mask))
    check_volume(mask, head, name)
    corrected = correct_bias(head, mask)
    shown = np.where(mask, corrected.voxels, np.float32(0))
    watch(Step("without shading", dataclasses.replace(corrected, voxels=shown)))
    registration = register(corrected, mask, template.brain)
    to_scanner = registration.to_scanner
    # The mask travels beside the image: resampled together the brain's rim would darken.
    there = resample(Volume(mask.astype(np.float32), head.affine), to_scanner, template.brain)
    image = resample(corrected, to_scanner, template.brain)
    kept = np.where(there.voxels > 0.5, np.maximum(image.voxels, 0), np.float32(0))
    placed = Volume(kept, image.affine, "mr")
    watch(Step("registered, template outlined", placed, template.mask))
    watch(Step("template", template.brain))
    check_registration(registration, name)
    brain = scale_white_matter(placed, template.white_matter, name=name)
    return BrainOfHead(brain, registration, mask, corrected)


def require_extra(*, masks: bool) -> None:
    """Find out before the first scan whether all that heads need is there.

    Args:
        masks: Whether brains are known, so that none has to be found.

    Raises:
        UsageError: A package of the extra is not installed.
        BadInputError: A file of one cannot be read.
        UnsafeFileError: A packaged file is another than the known one.
    """
    simple_itk()
    mni152()
    if not masks:
        load_networks()
