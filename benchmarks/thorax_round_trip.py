"""Air and bone of thorax CTs in HU: as read, as prepared, and restored from the window.

Geometry is held against nibabel and pydicom read by hand.

    python benchmarks/thorax_round_trip.py FOLDER_OF_CTS [--side 128]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray

from hagan.config.data import PrepareConfig
from hagan.data.protocols import prepare_volume, restore_volume
from hagan.data.scans import Scan, find_scans
from hagan.data.volume import Volume


def by_hand(scan: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Voxels and affine (index to RAS mm) without hagan's readers."""
    if not scan.slices:
        image = nib.load(scan.path)
        return np.asanyarray(image.dataobj).astype(np.float64), image.affine
    slices = [pydicom.dcmread(path) for path in scan.slices]
    row, column = (np.array(slices[0].ImageOrientationPatient[i : i + 3], float) for i in (0, 3))
    normal = np.cross(row, column)
    slices.sort(key=lambda s: float(np.dot(normal, np.array(s.ImagePositionPatient, float))))
    voxels = np.stack(
        [
            s.pixel_array.astype(float) * float(s.RescaleSlope) + float(s.RescaleIntercept)
            for s in slices
        ]
    )
    first, last = (np.array(s.ImagePositionPatient, float) for s in (slices[0], slices[-1]))
    affine = np.eye(4)
    affine[:3, 0] = (last - first) / (len(slices) - 1)
    affine[:3, 1] = column * float(slices[0].PixelSpacing[0])
    affine[:3, 2] = row * float(slices[0].PixelSpacing[1])
    affine[:3, 3] = first
    return voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # DICOM's LPS to RAS


def worst_difference(volume: Volume, scan: Scan, points: int = 2000) -> float:
    """Largest HU difference at voxel centres, looked up through both affines."""
    voxels, affine = by_hand(scan)
    rng = np.random.default_rng(0)
    index = np.stack([rng.integers(0, size, points) for size in volume.shape])
    world = volume.affine @ np.vstack([index, np.ones(points)])
    theirs = np.linalg.inv(affine) @ world
    nearest = np.rint(theirs[:3]).astype(int)
    assert np.abs(theirs[:3] - nearest).max() < 1e-3, "voxel centres do not coincide"
    return float(np.abs(volume.voxels[tuple(index)] - voxels[tuple(nearest)]).max())


def tissue(voxels: NDArray[np.floating]) -> str:
    """Air outside (mode below -900), lung (median), soft tissue (mode), bone (99.5 % quantile)."""
    air = voxels[voxels < -900]
    lung = voxels[(voxels > -950) & (voxels < -700)]
    soft = voxels[(voxels > -50) & (voxels < 120)]
    histogram, edges = np.histogram(soft, bins=34, range=(-50, 120))
    peak = edges[int(histogram.argmax())] + 2.5
    return (
        f"air {np.median(air):7.1f}  lung {np.median(lung):7.1f}  soft {peak:6.1f}  "
        f"bone {np.quantile(voxels, 0.995):6.1f}"
    )


def main() -> None:
    """Print a block for each CT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=128)
    arguments = parser.parse_args()
    shape = (arguments.side,) * 3
    for scan in find_scans(arguments.folder):
        volume = scan.read()
        codes = "".join(nib.aff2axcodes(volume.affine))
        size = " x ".join(f"{s:.4g}" for s in volume.spacing)
        print(f"{scan.name}\n  shape {volume.shape}, spacing {size} mm, axes {codes}")
        print(f"  largest difference from a reading by hand: {worst_difference(volume, scan)} HU")
        clipped = np.clip(volume.voxels, -1024, 600)
        print(f"  as read, in the window   {tissue(clipped)}")
        config = PrepareConfig(protocol="thorax-ct", volume_shape=shape)
        array, placement = prepare_volume(volume, config)
        prepared = restore_volume(array, placement)
        print(f"  prepared at side {arguments.side:<8} {tissue(prepared.voxels)}")
        own = PrepareConfig(protocol="thorax-ct", volume_shape=volume.shape)
        array, placement = prepare_volume(volume, own)
        back = restore_volume(array, placement)
        (d0, d1), (h0, h1), (w0, w1) = placement.crop
        cropped = clipped[d0:d1, h0:h1, w0:w1]
        if back.shape == cropped.shape:
            worst = float(np.abs(back.voxels - cropped).max())
            print(f"  window there and back on its own grid: worst {worst:.4f} HU")
        moved = np.abs(np.array(placement.affine) - volume.affine).max()
        print(f"  affine of that grid differs from the scan's by {moved:.2g} mm")


if __name__ == "__main__":
    main()
