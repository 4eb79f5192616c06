"""What scanners and exports do to one thorax: it is read rightly or refused with the right code.

Every case is a real file. A case that is read must give the Hounsfield units of the phantom within
1 HU and its place within 1 %; none may be silently wrong.
"""

from __future__ import annotations

import gzip
import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    RLELossless,
)

from data.made import Change, save_enhanced, save_nifti, save_series, thorax
from hagan.config.data import ReadConfig
from hagan.data.scans import Scan, find_scans
from hagan.data.volume import Volume
from hagan.errors import ScanError

SPACING, ORIGIN = (2.5, 0.8, 0.7), (-10.0, -20.0, -112.5)
Make = Callable[[Path], object]


def truth() -> Volume:
    """The phantom in the axes of the world: S, P, L."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = SPACING[0], -SPACING[1], -SPACING[2]
    affine[:, 3] = (-ORIGIN[0], -ORIGIN[1], ORIGIN[2], 1)
    return Volume(thorax().astype(np.float32), affine, "ct")


def read(root: Path, reading: ReadConfig | None = None) -> Volume:
    scans: list[Scan] = find_scans(root)
    assert len(scans) == 1, [scan.name for scan in scans]
    if scans[0].fault is not None:
        raise ScanError(scans[0].fault.code, scans[0].fault.message[5:])
    return scans[0].read(reading or ReadConfig())


def is_right(volume: Volume) -> None:
    expected = truth()
    np.testing.assert_allclose(volume.voxels, expected.voxels, atol=1)
    np.testing.assert_allclose(volume.spacing, expected.spacing, rtol=0.01)
    corners = np.array([*itertools.product((0, 11), (0, 23), (0, 19))])
    where = np.c_[corners, np.ones(8)]
    apart = np.linalg.norm((where @ (volume.affine - expected.affine).T)[:, :3], axis=1)
    assert apart.max() < 0.01 * 30, f"{apart.max():.3g} mm off"


def series(change: Change | None = None, **options: Any) -> Make:
    return lambda root: save_series(root / "s", change=change, **options)


def setting(**elements: object) -> Make:
    def change(data: Dataset, number: int) -> None:
        for keyword, value in elements.items():
            setattr(data, keyword, value)

    return series(change)


def deleting(keyword: str, only: int | None = None) -> Make:
    def change(data: Dataset, number: int) -> None:
        if only in (None, number):
            delattr(data, keyword)

    return series(change)


def moved(axis: int, shift: Callable[[int], float]) -> Make:
    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[axis] += shift(number)

    return series(change)


def without(*gone: int) -> Make:
    def make(root: Path) -> None:
        for path in list(save_series(root / "s").iterdir()):
            if pydicom.dcmread(path).InstanceNumber - 1 in gone:
                path.unlink()

    return make


def each_file(change: Callable[[bytes], bytes], only: int | None = None) -> Make:
    def make(root: Path) -> None:
        for number, path in enumerate(sorted(save_series(root / "s").iterdir())):
            if only in (None, number):
                path.write_bytes(change(path.read_bytes()))

    return make


def stored_as(values: Callable[[NDArray[np.int32]], NDArray[Any]], **elements: object) -> Make:
    def change(data: Dataset, number: int) -> None:
        data.PixelData = values(thorax()[number].astype(np.int32)).tobytes()
        for keyword, value in elements.items():
            setattr(data, keyword, value)

    return series(change)


def saved_in(syntax: str) -> Make:
    def make(root: Path) -> None:
        for path in save_series(root / "s").iterdir():
            data = pydicom.dcmread(path)
            data.walk(lambda _, element: element.value)  # parsed, or its bytes stay little endian
            little = syntax != ExplicitVRBigEndian
            if syntax == RLELossless:
                data.compress(syntax)
            elif not little:
                data.PixelData = data.pixel_array.astype(">u2").tobytes()
            data.file_meta.TransferSyntaxUID = syntax
            implicit = syntax == ImplicitVRLittleEndian
            pydicom.dcmwrite(path, data, little_endian=little, implicit_vr=implicit)

    return make


def flipped_rows(root: Path) -> None:
    """The same place, counted from the feet and from the back: axes of the file reversed."""
    hu = thorax()[::-1, ::-1]
    origin = (ORIGIN[0], ORIGIN[1] + SPACING[1] * 23, ORIGIN[2] + SPACING[0] * 11)
    # Rows count to the front, so the normal, and with it the growing slices, go to the feet.
    save_series(root / "s", hu, axes=(1, 0, 0, 0, -1, 0), origin=origin)


def left_handed(root: Path) -> None:
    """Slices that are numbered against their normal."""
    hu = thorax()[::-1]

    def change(data: Dataset, number: int) -> None:
        data.ImagePositionPatient[2] = ORIGIN[2] + SPACING[0] * (11 - number)

    save_series(root / "s", hu, change=change)


def coronal(root: Path) -> None:
    """The same thorax as a stack of coronal slices."""
    hu = thorax().transpose(1, 0, 2)[:, ::-1]
    origin = (ORIGIN[0], ORIGIN[1], ORIGIN[2] + SPACING[0] * 11)
    save_series(
        root / "s",
        hu,
        spacing=(SPACING[1], SPACING[0], SPACING[2]),
        axes=(1, 0, 0, 0, 0, -1),
        origin=origin,
    )


def nifti(voxels: NDArray[Any] | None = None, affine: NDArray[np.float64] | None = None) -> Make:
    expected = truth()
    given = expected.voxels if voxels is None else voxels
    return lambda root: save_nifti(
        root / "a.nii.gz", given, expected.affine if affine is None else affine
    )


def nifti_bytes(at: int, fmt: str, *values: object) -> Make:
    def make(root: Path) -> None:
        expected = truth()
        image = nib.Nifti1Image(expected.voxels.astype(np.int16), expected.affine)
        content = bytearray(image.to_bytes())
        struct.pack_into(fmt, content, at, *values)
        (root / "a.nii").write_bytes(content)

    return make


def in_metres(root: Path) -> None:
    expected = truth()
    affine = expected.affine.copy()
    affine[:3] /= 1000
    image = nib.Nifti1Image(expected.voxels.astype(np.int16), affine)
    image.header.set_xyzt_units("meter")
    nib.save(image, root / "a.nii")


def scaled(root: Path) -> None:
    expected = truth()
    image = nib.Nifti1Image((expected.voxels + 1024).astype(np.uint16), expected.affine)
    content = bytearray(image.to_bytes())
    struct.pack_into("<ff", content, 112, 1.0, -1024.0)
    (root / "a.nii").write_bytes(content)


def qform_alone(root: Path) -> None:
    expected = truth()
    image = nib.Nifti1Image(expected.voxels.astype(np.int16), expected.affine)
    image.set_sform(None, code=0)
    image.set_qform(expected.affine, code=1)
    nib.save(image, root / "a.nii")


def cut_gzip(root: Path) -> None:
    nifti()(root)
    (root / "a.nii.gz").write_bytes((root / "a.nii.gz").read_bytes()[:-200])


def flipped_bit(root: Path) -> None:
    content = bytearray(gzip.compress(nib_bytes(), compresslevel=0))
    content[5000] ^= 1
    (root / "a.nii.gz").write_bytes(content)


def nib_bytes() -> bytes:
    expected = truth()
    image = nib.Nifti1Image(expected.voxels.astype(np.int16), expected.affine)
    return bytes(image.to_bytes())


def with_localizer(root: Path) -> None:
    save_series(root / "s")

    def change(data: Dataset, number: int) -> None:
        data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    save_series(root / "s" / "scout", thorax()[:1], change=change)


def with_dose_report(root: Path) -> None:
    save_series(root / "s")

    def change(data: Dataset, number: int) -> None:
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.67"
        del data.PixelData, data.Rows, data.Columns

    save_series(root / "s" / "report", thorax()[:1], change=change)


def without_preamble(content: bytes) -> bytes:
    """As old archives write: the data set alone, in the default syntax."""
    data = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    out = pydicom.filebase.DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, True
    pydicom.filewriter.write_dataset(out, pydicom.Dataset(data))
    return out.getvalue()


def signed(hu: NDArray[np.int32]) -> NDArray[Any]:
    return hu.astype(np.int16)


READ: dict[str, Make] = {
    "a series as it should be": series(),
    "names against positions": series(),
    "slices numbered against the normal": left_handed,
    "rows counted to the front": flipped_rows,
    "a coronal stack": coronal,
    "one multi-frame object": lambda root: save_enhanced(root / "a.dcm"),
    "frames in any order": lambda root: save_enhanced(root / "a.dcm", order=np.arange(12)[::-1]),
    "signed pixels without offset": stored_as(signed, PixelRepresentation=1, RescaleIntercept=0),
    "MONOCHROME1": setting(PhotometricInterpretation="MONOCHROME1"),
    "implicit VR": saved_in(ImplicitVRLittleEndian),
    "big endian": saved_in(ExplicitVRBigEndian),
    "deflated": saved_in(DeflatedExplicitVRLittleEndian),
    "RLE": saved_in(RLELossless),
    "without a preamble": each_file(without_preamble),
    "a localizer among the slices": with_localizer,
    "a dose report beside": with_dose_report,
    "positions of two decimals": moved(2, lambda number: 0.004 * (-1) ** number),
    "NIfTI": nifti(),
    "NIfTI with a qform alone": qform_alone,
    "NIfTI in metres": in_metres,
    "NIfTI with a scaling": scaled,
    "NIfTI with a fourth axis of one": nifti(truth().voxels[..., None]),
}

REFUSED: dict[str, tuple[str, Make]] = {
    "two slices missing": ("E112", without(5, 6)),
    "uneven spacing": ("E112", moved(2, lambda number: 0.4 if number == 5 else 0)),
    "a gantry tilted": ("E114", moved(1, lambda number: 0.5 * number)),
    "a table that moved": ("E115", moved(0, lambda number: 3.0 * (number > 6))),
    "a slice twice": ("E113", moved(2, lambda number: -2.5 * (number == 5))),
    "two echoes": ("E104", moved(2, lambda number: -2.5 * (number - number // 2))),
    "two orientations": (
        "E115",
        series(
            lambda data, n: n == 5 and setattr(data, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1])
        ),
    ),
    "no position": ("E108", deleting("ImagePositionPatient", 3)),
    "no pixel spacing": ("E108", deleting("PixelSpacing")),
    "no rescale": ("E116", deleting("RescaleIntercept")),
    "no rescale in one slice": ("E116", deleting("RescaleSlope", 7)),
    "a slope of zero": ("E116", setting(RescaleSlope=0)),
    "no Hounsfield units": ("E116", setting(RescaleType="OD")),
    "colours": ("E119", setting(PhotometricInterpretation="PALETTE COLOR")),
    "a PET": ("E119", setting(SOPClassUID=PositronEmissionTomographyImageStorage)),
    "a slice cut short": ("E101", each_file(lambda content: content[:-99], 4)),
    "an unknown syntax": (
        "E118",
        each_file(lambda c: c.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0")),
    ),
    "a header bomb": ("E107", setting(Rows=65535, Columns=65535)),
    "two slices alone": ("E104", lambda root: save_series(root / "s", thorax()[:2])),
    "a text named .dcm": ("E102", lambda root: (root / "a.dcm").write_text("hello")),
    "NIfTI without an affine": (
        "E108",
        nifti_bytes(252, "<2h", 0, 0),
    ),
    "NIfTI with NaN in its affine": ("E108", nifti_bytes(280, "<f", float("nan"))),
    "NIfTI with sheared axes": ("E108", nifti_bytes(284, "<f", 1.5)),
    "NIfTI of no thickness": ("E108", nifti_bytes(280, "<12f", *[0.0] * 12)),
    "NIfTI of four time points": ("E104", nifti(np.stack([truth().voxels] * 4, axis=-1))),
    "NIfTI of one slice": ("E104", nifti(truth().voxels[:1])),
    "NIfTI with NaN": ("E105", nifti(np.where(truth().voxels > 300, np.nan, truth().voxels))),
    "NIfTI that is blank": ("E106", nifti(np.zeros((12, 24, 20), np.float32))),
    "NIfTI whose header is a bomb": ("E107", nifti_bytes(42, "<3h", 32767, 32767, 32767)),
    "NIfTI of colours": ("E104", nifti_bytes(70, "<2h", 128, 24)),
    "a gzip cut short": ("E101", cut_gzip),
    "a gzip with a wrong bit": ("E109", flipped_bit),
    "a NIfTI named .nii.gz": ("E102", lambda root: (root / "a.nii.gz").write_bytes(nib_bytes())),
    "an unknown format": ("E103", lambda root: (root / "a.img").write_bytes(b"x" * 999)),
}


@pytest.mark.parametrize("case", READ)
def test_it_is_read_rightly(tmp_path: Path, case: str) -> None:
    READ[case](tmp_path)
    is_right(read(tmp_path))


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_its_code(tmp_path: Path, case: str) -> None:
    code, make = REFUSED[case]
    make(tmp_path)
    with pytest.raises(ScanError) as caught:
        read(tmp_path)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_the_matrix_is_large_enough() -> None:
    assert len(READ) + len(REFUSED) >= 30


@pytest.mark.parametrize(
    ("case", "reading"),
    [
        ("two slices missing", ReadConfig(on_gap="interpolate")),
        ("no rescale", ReadConfig(assume_hu=True)),
    ],
)
def test_what_can_be_mended_keeps_its_place(tmp_path: Path, case: str, reading: ReadConfig) -> None:
    REFUSED[case][1](tmp_path)
    volume = read(tmp_path, reading)
    np.testing.assert_allclose(volume.affine, truth().affine, atol=1e-6)


@pytest.mark.parametrize("axes", [*itertools.permutations(range(3))])
@pytest.mark.parametrize("flips", [*itertools.product((1, -1), repeat=3)])
def test_the_48_axis_codes_of_one_phantom_give_one_volume(
    tmp_path: Path, axes: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    expected = truth()
    turned = nib.Nifti1Image(expected.voxels, expected.affine).as_reoriented(
        np.array([*zip(axes, flips, strict=True)])
    )
    nib.save(turned, tmp_path / "a.nii")
    volume = read(tmp_path)
    np.testing.assert_array_equal(volume.voxels, expected.voxels)
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-5)
