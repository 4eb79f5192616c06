"""The regions of a scan as a file and as sizes: a label map on the scan's own grid."""

from __future__ import annotations

import dataclasses
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hagan.data.files import write_bytes_atomically
from hagan.data.nifti import nifti_bytes
from hagan.data.protocols import check_hounsfield
from hagan.data.scans import Scan
from hagan.data.transforms import resize
from hagan.data.volume import Modality, Volume
from hagan.errors import ScanError
from hagan.evaluation.regions import region_masks, region_sizes

LABELS: dict[Modality, dict[str, int]] = {
    "ct": {"lung": 1, "emphysema": 2, "airways": 3, "bone": 4},
    "mr": {"brain": 1, "ventricles": 2},
}
"""Values of a label map; where regions lie in each other, the later one is kept."""

LEAST_STRIPPED = 0.1
"""Of the voxels of a skull-stripped brain that are blank; of a head nearly none is."""


@dataclass(frozen=True)
class Found:
    """The regions of one scan.

    Attributes:
        scan: Its name.
        labels: Label map on the scan's grid, with the values of `LABELS`.
        sizes: By region, in the units of `hagan.evaluation.regions.REGIONS`.
    """

    scan: str
    labels: Volume
    sizes: dict[str, float]


def find_regions(scan: Scan, modality: Modality, voxel_mm: float) -> Found:
    """Read a scan and find its regions.

    Args:
        scan: A thorax CT, or a skull-stripped T1 brain.
        modality: Which of the two.
        voxel_mm: Regions are found and measured on voxels of at least this side; finer ones cost
            minutes, and the share of emphysema falls with larger ones, as noise does.

    Returns:
        What was found.

    Raises:
        ScanError: It cannot be read, is no CT in Hounsfield units (E117), or shows a whole head
            (E122).
    """
    volume = dataclasses.replace(scan.read(), modality=modality)
    if modality == "ct":
        check_hounsfield(volume.voxels, scan.name)
    elif np.count_nonzero(volume.voxels) > (1 - LEAST_STRIPPED) * volume.voxels.size:
        raise ScanError(
            "E122", f"{scan.name}: nothing around the brain is blank; strip the skull first"
        )
    coarse = _coarsened(volume, voxel_mm)
    masks = region_masks(coarse)
    labels = np.zeros(volume.shape, np.float32)
    for region, value in LABELS[modality].items():
        share = dataclasses.replace(coarse, voxels=masks[region].astype(np.float32))
        inside: NDArray[np.bool_] = resize(share, volume.shape).voxels > 0.5
        labels[inside] = value
    sizes = region_sizes(coarse, masks)
    return Found(scan.name, dataclasses.replace(volume, voxels=labels), sizes)


def write_labels(path: Path, labels: Volume) -> None:
    """Write a label map as a .nii.gz of whole numbers, whole or not at all.

    Raises:
        DiskError: It cannot be written.
    """
    write_bytes_atomically(path, gzip.compress(nifti_bytes(labels), 6, mtime=0))


def _coarsened(volume: Volume, voxel_mm: float) -> Volume:
    shape = [
        max(1, min(size, round(size * step / voxel_mm)))
        for size, step in zip(volume.shape, volume.spacing, strict=True)
    ]
    return resize(volume, (shape[0], shape[1], shape[2]))
