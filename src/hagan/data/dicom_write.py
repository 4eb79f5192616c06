"""A synthetic volume as a DICOM series of CT or MR, marked as what it is in every file.

There is no way to leave the marks out: (0008,001C) Synthetic Data of DICOM 2024b, the synthesizing
equipment, the derivation, the patient's name and the series' description all say it. No identifier
of any scan is used; UIDs are new at each call.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from hagan import __version__
from hagan.data.files import atomic_folder
from hagan.data.volume import Volume
from hagan.errors import UsageError

SYNTHETIC_DATA = 0x0008001C
"""Since DICOM 2024b, which most dictionaries do not know yet."""

SERIES_DESCRIPTION = "SYNTHETIC - NOT FOR CLINICAL USE"

MR_LEVELS = 4095
"""Stored levels of MR whose intensities are no whole numbers."""

HU_OFFSET = 1024

CT_WINDOWS = (("-600", "1500", "LUNG"), ("40", "400", "SOFT TISSUE"))
"""Centre, width and name of what a viewer shows first."""


@dataclass(frozen=True)
class Marks:
    """What a series says of itself."""

    derivation: str
    """How it came to be, such as `generated; no source image`."""
    subject: str
    """A name below `SYN-` that tells volumes apart; letters, digits, `-` and `_`."""
    weights_sha256: str | None = None
    """Of the model; none of a phantom."""
    body_part: Literal["CHEST", "BRAIN"] | None = None
    """As DICOM calls it, where it is known."""


def write_series(volume: Volume, folder: Path, marks: Marks) -> None:
    """Write one file a slice, the lowest first; the folder appears whole or not at all.

    Args:
        volume: HU of a CT, or intensities from 0 of an MR; right angles between its axes.
        folder: Where the files go; must not exist, or is replaced.
        marks: What the series says of itself.

    Raises:
        UsageError: The modality is unknown, or the axes are sheared.
        DiskError: A file cannot be written.
    """
    if volume.modality not in ("ct", "mr"):
        raise UsageError(
            "DICOM needs to know whether a volume is CT or MR, and these weights do not tell; take "
            "--format nifti"
        )
    cosines = volume.affine[:3, :3] / np.array(volume.spacing)
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > 1e-3:
        raise UsageError("DICOM cannot hold sheared axes; take --format nifti")
    common = _common(volume, marks)
    stored, slope, intercept = _stored(volume)
    with atomic_folder(folder) as beside:
        for index, pixels in enumerate(stored):
            data = _slice(volume, common, index, pixels)
            if volume.modality == "ct" or (slope, intercept) != ("1", "0"):
                data.RescaleSlope, data.RescaleIntercept = slope, intercept
            data.save_as(beside / f"{index + 1:04d}.dcm", enforce_file_format=True)


def new_uid() -> UID:
    """A UID from a random UUID, which needs no registered root (PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid4().int}")


def _common(volume: Volume, marks: Marks) -> Dataset:
    """What all slices share."""
    data = Dataset()
    is_ct = volume.modality == "ct"
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = CTImageStorage if is_ct else MRImageStorage
    data.add_new(SYNTHETIC_DATA, "CS", "YES")
    data.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if is_ct else "OTHER"]
    data.DerivationDescription = marks.derivation
    data.PatientName = "SYNTHETIC^HAGAN"
    data.PatientID = f"SYN-{marks.subject}"
    data.QualityControlSubject = "YES"
    data.PatientBirthDate = data.PatientSex = ""
    data.StudyInstanceUID, data.SeriesInstanceUID = new_uid(), new_uid()
    data.FrameOfReferenceUID = new_uid()
    data.PositionReferenceIndicator = ""
    now = datetime.now(UTC)
    data.StudyDate, data.StudyTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.StudyID = "1"
    data.AccessionNumber = data.ReferringPhysicianName = ""
    data.PatientPosition = "HFS"
    if marks.body_part is None:
        data.Laterality = ""
    else:
        data.BodyPartExamined = marks.body_part
    data.StudyDescription = data.SeriesDescription = SERIES_DESCRIPTION
    data.Modality = "CT" if is_ct else "MR"
    data.SeriesNumber = data.AcquisitionNumber = 1
    data.Manufacturer = "hagan"
    data.ManufacturerModelName = "HA-GAN" if marks.weights_sha256 else "phantom"
    data.SoftwareVersions = __version__
    data.BurnedInAnnotation = "NO"
    data.RecognizableVisualFeatures = "NO"
    data.ContributingEquipmentSequence = [_equipment(marks)]
    if is_ct:
        data.KVP = None
        data.RescaleType = "HU"
        centres, widths, names = zip(*CT_WINDOWS, strict=True)
        data.WindowCenter, data.WindowWidth = list(centres), list(widths)
        data.WindowCenterWidthExplanation = list(names)
    else:
        # Research mode: no sequence made it.
        data.ScanningSequence, data.SequenceVariant, data.ScanOptions = "RM", "NONE", ""
        data.MRAcquisitionType = "3D"
        data.RepetitionTime = data.EchoTime = data.EchoTrainLength = None
    return data


def _equipment(marks: Marks) -> Dataset:
    """The synthesizing equipment (CID 7005)."""
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "109100", "DCM"
    purpose.CodeMeaning = "Synthesizing Equipment"
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [purpose]
    item.Manufacturer = "hagan"
    item.ManufacturerModelName = "HA-GAN" if marks.weights_sha256 else "phantom"
    item.SoftwareVersions = __version__
    item.ContributionDescription = (
        f"weights SHA-256 {marks.weights_sha256}" if marks.weights_sha256 else "drawn by a program"
    )
    return item


def _stored(volume: Volume) -> tuple[NDArray[np.uint16], str, str]:
    """Stored values, and the slope and intercept that turn them back."""
    voxels = volume.voxels
    if volume.modality == "ct":
        whole = np.rint(np.clip(voxels, -HU_OFFSET, 65535 - HU_OFFSET)) + HU_OFFSET
        return whole.astype(np.uint16), "1", str(-HU_OFFSET)
    low, high = float(voxels.min()), float(voxels.max())
    if low >= 0 and high <= 65535 and np.array_equal(voxels, np.rint(voxels)):
        return voxels.astype(np.uint16), "1", "0"
    # A decimal string holds 16 characters, and what it holds is what is divided by.
    slope = f"{max(high - low, 1e-6) / MR_LEVELS:.9g}"
    intercept = f"{low:.9g}"
    levels = np.rint((voxels - float(intercept)) / float(slope))
    return np.clip(levels, 0, 65535).astype(np.uint16), slope, intercept


def _slice(volume: Volume, common: Dataset, index: int, pixels: NDArray[np.uint16]) -> FileDataset:
    """One file: where the slice lies, and its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = common.SOPClassUID
    meta.MediaStorageSOPInstanceUID = new_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.update(common)
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.InstanceNumber = index + 1
    # RAS to LPS: DICOM's first two axes point the other way.
    to_lps = np.diag([-1.0, -1.0, 1.0])
    spacing = volume.spacing
    row, column = (to_lps @ volume.affine[:3, axis] / spacing[axis] for axis in (2, 1))
    place = to_lps @ (volume.affine @ [index, 0, 0, 1])[:3]
    data.ImageOrientationPatient = [_decimal(value) for value in (*row, *column)]
    data.ImagePositionPatient = [_decimal(value) for value in place]
    data.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[2])]
    data.SliceThickness = _decimal(spacing[0])
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelData = np.ascontiguousarray(pixels, "<u2").tobytes()
    return data


def _decimal(value: float) -> str:
    """A decimal string: 16 characters at most, without a minus before nothing."""
    return f"{float(value) + 0.0:.10g}"
