"""Small scans made on the spot, written by nibabel and pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

Change = Callable[[Dataset, int], None]


def thorax(shape: tuple[int, int, int] = (12, 24, 20), seed: int = 0) -> NDArray[np.int16]:
    """Air around a body of soft tissue with two lungs and a spine, HU [d, h, w]."""
    d, h, w = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    noise = np.random.default_rng(seed).normal(0, 15, shape)
    hu = np.full(shape, -1000.0)
    hu[h**2 + w**2 < 0.8] = 40
    hu[(h**2 * 2 + (np.abs(w) - 0.4) ** 2 * 9 < 0.5) & (np.abs(d) < 0.9)] = -850
    hu[(h - 0.6) ** 2 + w**2 < 0.02] = 500
    return np.clip(hu + noise, -1024, 3071).astype(np.int16)


def save_nifti(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64] | None = None) -> Path:
    """Write voxels [i, j, k] as nibabel does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = np.diag([2.0, 2.0, 3.0, 1.0]) if affine is None else affine
    nib.save(nib.Nifti1Image(voxels, given), path)
    return path


def save_thorax(path: Path, seed: int = 0) -> Path:
    """Write a thorax in the axes of most CT files: left, back, head."""
    affine = np.array([[-2.0, 0, 0, 19], [0, -2, 0, 23], [0, 0, 5, -30], [0, 0, 0, 1]])
    return save_nifti(path, thorax(seed=seed).transpose(2, 1, 0), affine)


def save_series(
    folder: Path,
    voxels: NDArray[np.int16] | None = None,
    *,
    spacing: tuple[float, float, float] = (2.5, 0.8, 0.7),
    origin: tuple[float, float, float] = (-10.0, -20.0, -112.5),
    axes: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    change: Change | None = None,
    series: str | None = None,
) -> Path:
    """Write one CT slice a file, HU [slice, row, column], as a scanner would."""
    folder.mkdir(parents=True, exist_ok=True)
    hu = thorax() if voxels is None else voxels
    study, uid = generate_uid(), series or generate_uid()
    normal = np.cross(axes[:3], axes[3:])
    for number, pixels in enumerate(hu):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID = CTImageStorage
        data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        data.StudyInstanceUID, data.SeriesInstanceUID = study, uid
        data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", 3, number + 1
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.PatientName, data.PatientID = "SUB-017", "SUB-017"
        data.Rows, data.Columns = pixels.shape
        data.PixelSpacing = list(spacing[1:])
        data.ImageOrientationPatient = list(axes)
        data.ImagePositionPatient = list(np.array(origin) + normal * spacing[0] * number)
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.PixelRepresentation = 0
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
        data.PixelData = (pixels.astype(np.int32) + 1024).astype(np.uint16).tobytes()
        if change is not None:
            change(data, number)
        # Names that sort against the position, as real exports have them.
        data.save_as(folder / f"{97 * (number + 1) % 101:03d}.dcm")
    return folder


def save_enhanced(
    path: Path,
    voxels: NDArray[np.int16] | None = None,
    *,
    kind: str = EnhancedCTImageStorage,
    spacing: tuple[float, float, float] = (2.5, 0.8, 0.7),
    origin: tuple[float, float, float] = (-10.0, -20.0, -112.5),
    axes: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    order: NDArray[Any] | None = None,
    change: Callable[[Dataset], None] | None = None,
) -> Path:
    """Write one enhanced multi-frame object, frames in any order, half of the groups shared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hu = thorax() if voxels is None else voxels
    order = np.arange(len(hu)) if order is None else order
    normal = np.cross(axes[:3], axes[3:])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", 3, 1
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.NumberOfFrames, (data.Rows, data.Columns) = len(hu), hu.shape[1:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = 0
    shared = Dataset()
    shared.PlaneOrientationSequence = [_group(ImageOrientationPatient=list(axes))]
    shared.PixelMeasuresSequence = [_group(PixelSpacing=list(spacing[1:]))]
    data.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for number in order:
        own, place = Dataset(), np.array(origin) + normal * spacing[0] * number
        own.PlanePositionSequence = [_group(ImagePositionPatient=[float(x) for x in place])]
        own.PixelValueTransformationSequence = [
            _group(RescaleSlope=1, RescaleIntercept=-1024 - int(number), RescaleType="HU")
        ]
        frames.append(own)
    data.PerFrameFunctionalGroupsSequence = frames
    stored = hu[order].astype(np.int32) + 1024 + order[:, None, None]
    data.PixelData = stored.astype(np.uint16).tobytes()
    if change is not None:
        change(data)
    data.save_as(path)
    return path


def _group(**elements: Any) -> Dataset:
    group = Dataset()
    for keyword, value in elements.items():
        setattr(group, keyword, value)
    return group
