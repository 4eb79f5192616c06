"""What is true of a rendered thorax, measured on its shares and its final voxels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hagan.data.phantom.fields import Field
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_tissue import LAA_HU, Emphysema

# Clusters larger than what fewer than so many reach are too few for a slope.
_FEWEST = 8


def cluster_slope(low: NDArray[np.bool_]) -> float:
    """Measure Mishima's D: the fall of the number of clusters larger than A, log over log.

    Clusters are 4-connected in each slice. D depends on voxel size and noise: compare only scans
    of one grid.

    Args:
        low: Voxels that count as emphysema [d, h, w].

    Returns:
        The exponent, positive; NaN when there are too few clusters.
    """
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = ndimage.generate_binary_structure(2, 1)
    labels, _ = ndimage.label(low, plane)
    sizes = np.bincount(labels.reshape(-1))[1:]
    areas, counts = np.unique(sizes, return_counts=True)
    larger = counts[::-1].cumsum()[::-1]
    fit = larger >= _FEWEST
    if np.count_nonzero(fit) < 3:
        return float("nan")
    return float(-np.polyfit(np.log(areas[fit]), np.log(larger[fit]), 1)[0])


def measure_truth(
    subject: ThoraxSubject,
    voxels: NDArray[np.int16],
    lung: Field,
    right: Field,
    solved: Emphysema,
    core: NDArray[np.bool_],
    inside: NDArray[np.int16],
    bone: Field,
    voxel_litres: float,
) -> dict[str, float]:
    """Measure one scan.

    Args:
        subject: Whose targets are repeated beside the measurements.
        voxels: The final scan in HU [d, h, w].
        lung: Share of lung in a box around the lungs.
        right: Share of the right lung in that box.
        solved: The lungs' emphysema in that box.
        core: Voxels of the box that count for %LAA-950.
        inside: The final scan in that box.
        bone: Share of bone [d, h, w].
        voxel_litres: Volume of a voxel.

    Returns:
        Numbers by name; a name says its unit, `_l` for litres.
    """
    volume = float(lung.sum(dtype=np.float64)) * voxel_litres
    right_volume = float(right.sum(dtype=np.float64)) * voxel_litres
    destroyed = solved.tissue.destroyed(solved.threshold) * lung
    low = core & (inside < LAA_HU)
    return {
        "lung_target_l": subject.lung_volume,
        "lung_l": volume,
        "lung_right_l": right_volume,
        "lung_left_l": volume - right_volume,
        "laa_target_percent": subject.laa,
        "laa_percent": 100 * float(np.count_nonzero(low)) / float(np.count_nonzero(core)),
        "laa_noise_free_percent": solved.noise_free,
        "emphysema_share": float(destroyed.sum(dtype=np.float64)) * voxel_litres / volume,
        "cluster_slope": cluster_slope(low),
        "parenchyma_raised_hu": solved.raised,
        "bone_l": float(bone.sum(dtype=np.float64)) * voxel_litres,
        "voxels_above_150_hu": float(np.count_nonzero(voxels > 150)),
        "voxels_above_300_hu": float(np.count_nonzero(voxels > 300)),
    }
