"""What a DICOM object says of each of its slices: one header a frame, single or multi-frame.

An enhanced CT or MR object holds a whole stack in one file and keeps what differs between slices in
its functional groups (PS3.3 C.7.6.16); a classic object is one slice.
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from hagan.data.dicom_files import MULTI_FRAME
from hagan.errors import ScanError

MAX_FRAMES = 2**14
"""More slices than any scan has; a header that declares more is damaged or hostile."""

_GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
}
"""Functional groups and the elements that are taken from them."""


def frame_headers(dataset: Any, where: str) -> list[Any]:
    """Give each frame the elements that a classic slice has.

    Args:
        dataset: A classic or enhanced CT or MR object.
        where: The scan and the file, for error texts.

    Returns:
        One data set a frame, without pixels: position, orientation, spacing, rescale and a
        SOPInstanceUID that tells the frames apart. A classic object is its own only header.

    Raises:
        ScanError: E104 several frames in a classic object, E107 a number of frames that cannot be,
            E108 frames without functional groups.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    if str(dataset.get("SOPClassUID", "")) not in MULTI_FRAME:
        if count != 1:
            raise ScanError("E104", f"{where}: {count} frames in one file")
        return [dataset]
    if not 1 <= count <= MAX_FRAMES:
        raise ScanError("E107", f"{where}: the header declares {count} frames")
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if len(own) != count:
        raise ScanError("E108", f"{where}: {count} frames, {len(own)} of them described")
    instance = str(dataset.get("SOPInstanceUID", ""))
    return [_header(shared[0], item, f"{instance}#{number}") for number, item in enumerate(own)]


def _header(shared: Any, own: Any, instance: str) -> Dataset:
    header = Dataset()
    for sequence, keywords in _GROUPS.items():
        # What differs between frames is their own, what does not is shared; never both.
        group = (own.get(sequence) or shared.get(sequence) or [Dataset()])[0]
        for keyword in keywords:
            if keyword in group:
                header[keyword] = group[keyword]
    # Not a UID, and never written: it only tells the frames of one object apart.
    header.add_new("SOPInstanceUID", "LO", instance[-64:])
    return header
