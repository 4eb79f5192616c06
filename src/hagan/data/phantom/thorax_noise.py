"""Image noise with the texture of CT: a smooth or a sharp kernel, strongest in thick bodies."""

import numpy as np

from hagan.data.phantom.fields import Field, blur, coverage, stream
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import Frame


def scanner_noise(subject: ThoraxSubject, frame: Frame, skin: Field) -> Field:
    """Draw the noise of one scan; its random stream is the last and depends on the side.

    Args:
        subject: Whose noise level and kernel are used.
        frame: The scan's grids.
        skin: Signed distance to the body on the coarse grid, mm.

    Returns:
        Noise in HU [d, h, w].
    """
    rng = stream(subject.seed, subject.subject, f"noise {frame.side}")
    white = rng.standard_normal(frame.shape, dtype=np.float32)
    if subject.sharp_kernel:
        noise = blur(white, (0.45, 0.35, 0.35))
        # Taking its own blur away leaves the ring-shaped spectrum of filtered back-projection.
        noise -= np.float32(0.7) * blur(noise, (0.0, 1.3, 1.3))
    else:
        noise = blur(white, (0.45, 0.6, 0.6))
    noise *= np.float32(subject.noise_hu / float(noise.std()))
    thick = blur(coverage(skin, 8.0), 6.0)
    noise *= np.float32(0.7) + np.float32(0.45) * frame.fine(thick)
    return noise
