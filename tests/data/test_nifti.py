from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.data.nifti import read_nifti, write_nifti
from hagan.data.volume import Volume
from hagan.errors import ScanError

AFFINE = np.array([[-2.0, 0, 0, 10], [0, 0, 3, -5], [0, 1.5, 0, 7], [0, 0, 0, 1]])


def voxels(dtype: type = np.int16) -> np.ndarray:
    return np.random.default_rng(0).integers(-500, 500, (8, 9, 10)).astype(dtype)


def refused(path: Path) -> str:
    with pytest.raises(ScanError) as caught:
        read_nifti(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.code


def changed(path: Path, start: int, content: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[start : start + len(content)] = content
    path.write_bytes(data)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    nib.save(nib.Nifti1Image(voxels(), AFFINE), tmp_path / "plain.nii")
    return tmp_path / "plain.nii"


@pytest.fixture
def packed(plain: Path) -> Path:
    path = plain.with_suffix(".nii.gz")
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_reads_what_nibabel_reads(tmp_path: Path, suffix: str, kind: type, dtype: type) -> None:
    path = tmp_path / f"scan{suffix}"
    nib.save(kind(np.abs(voxels()).astype(dtype), AFFINE), path)
    volume = read_nifti(path)
    reference = nib.load(path)
    np.testing.assert_allclose(volume.voxels, reference.get_fdata())
    np.testing.assert_allclose(volume.affine, reference.affine)


def test_the_scaling_of_the_header_is_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(np.float32) / 7, AFFINE)
    image.set_data_dtype(np.uint8)  # nibabel then writes slope and intercept
    nib.save(image, tmp_path / "scaled.nii")
    expected = nib.load(tmp_path / "scaled.nii").get_fdata()
    np.testing.assert_allclose(read_nifti(tmp_path / "scaled.nii").voxels, expected, atol=1e-4)


def test_big_endian(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), AFFINE, nib.Nifti1Header(endianness=">"))
    nib.save(image, tmp_path / "big.nii")
    np.testing.assert_array_equal(read_nifti(tmp_path / "big.nii").voxels, voxels())


def test_a_single_frame_is_squeezed_and_real_4d_refused(tmp_path: Path) -> None:
    one, many = tmp_path / "one.nii", tmp_path / "many.nii"
    nib.save(nib.Nifti1Image(voxels()[..., None], AFFINE), one)
    nib.save(nib.Nifti1Image(np.stack([voxels()] * 3, -1), AFFINE), many)
    assert read_nifti(one).shape == (8, 9, 10)
    assert refused(many) == "E104"


def test_a_single_slice_and_colours_are_refused(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(voxels()[..., :1], AFFINE), tmp_path / "flat.nii")
    assert refused(tmp_path / "flat.nii") == "E104"
    rgb = np.zeros((8, 9, 10), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nib.save(nib.Nifti1Image(rgb, AFFINE), tmp_path / "rgb.nii")
    assert refused(tmp_path / "rgb.nii") == "E104"


def test_the_qform_is_used_where_there_is_no_sform(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), AFFINE)
    image.set_qform(AFFINE, code=1)
    image.set_sform(None, code=0)
    nib.save(image, tmp_path / "q.nii")
    np.testing.assert_allclose(read_nifti(tmp_path / "q.nii").affine, AFFINE, atol=1e-5)


def test_without_sform_and_qform_left_and_right_would_be_a_guess(tmp_path: Path) -> None:
    image = nib.Nifti1Image(voxels(), AFFINE)
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "none.nii")
    assert refused(tmp_path / "none.nii") == "E108"


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000.0), ("micron", 0.001), ("mm", 1.0)])
def test_units_become_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    image = nib.Nifti1Image(voxels(), AFFINE)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "unit.nii")
    volume = read_nifti(tmp_path / "unit.nii")
    np.testing.assert_allclose(volume.spacing, np.array([2, 1.5, 3]) * factor)


def test_truncation_is_found_at_every_length(plain: Path, packed: Path) -> None:
    for path in (plain, packed):
        whole = path.read_bytes()
        for length in (0, 2, 50, 349, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            assert refused(path) in ("E101", "E102"), length


def test_a_flipped_bit_in_a_gzip_is_found(packed: Path) -> None:
    whole = bytearray(packed.read_bytes())
    codes = set()
    for at in range(20, len(whole), 97):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        packed.write_bytes(damaged)
        codes.add(refused(packed))
    assert "E109" in codes
    assert codes <= {"E101", "E102", "E104", "E107", "E108", "E109"}


def test_a_header_that_asks_for_70_terabytes_allocates_nothing(plain: Path, packed: Path) -> None:
    sizes = np.array([3, 32767, 32767, 32767], "<i2").tobytes()
    assert refused(changed(plain, 40, sizes)) == "E107"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert refused(packed) == "E107"


def test_a_header_that_asks_for_more_than_the_file_holds(plain: Path, packed: Path) -> None:
    sizes = np.array([3, 1200, 1200, 1200], "<i2").tobytes()
    assert refused(changed(plain, 40, sizes)) == "E107"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert refused(packed) == "E107"


def test_a_file_longer_than_its_header_says_is_refused(plain: Path) -> None:
    assert refused(changed(plain, 40, np.array([3, 4, 5, 6], "<i2").tobytes())) == "E109"


def test_an_unknown_type_of_voxels_is_refused(plain: Path) -> None:
    assert refused(changed(plain, 70, np.array([999], "<i2").tobytes())) == "E109"


def test_names_that_lie(tmp_path: Path, plain: Path, packed: Path) -> None:
    (tmp_path / "text.nii.gz").write_text("a text, not a scan")
    (tmp_path / "text.nii").write_text("a text, not a scan" * 30)
    plain.rename(tmp_path / "not_packed.nii.gz")
    packed.rename(tmp_path / "packed.nii")
    for name in ("text.nii.gz", "text.nii", "not_packed.nii.gz", "packed.nii"):
        assert refused(tmp_path / name) == "E102", name


def test_a_missing_file_has_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.nii") == "E101"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_what_is_written_lies_where_it_lay(tmp_path: Path, suffix: str) -> None:
    affine = np.array([[0, 0, -0.7, 20], [0, -0.8, 0.1, 30], [2.5, 0, 0, -100], [0, 0, 0, 1]])
    volume = Volume(np.random.default_rng(0).random((4, 5, 6)).astype(np.float32), affine)
    path = tmp_path / f"out{suffix}"
    write_nifti(volume, path, description="SYNTHETIC", extension=b'{"synthetic": true}')
    image = nib.load(path)
    assert image.header.get_data_dtype() == np.float32
    assert image.header["sform_code"] == image.header["qform_code"] == 1
    assert image.header.get_xyzt_units()[0] == "mm"
    assert bytes(image.header["descrip"]).rstrip(b"\0") == b"SYNTHETIC"
    (extension,) = image.header.extensions
    assert extension.get_code() == 6
    assert b'{"synthetic": true}' in extension.get_content()
    for index in np.ndindex(4, 5, 6):
        world = affine @ (*index, 1)
        i, j, k = np.rint(np.linalg.inv(image.affine) @ world)[:3].astype(int)
        assert image.dataobj[i, j, k] == volume.voxels[index]
    again = read_nifti(path)
    np.testing.assert_array_equal(again.voxels.transpose(2, 1, 0), volume.voxels)


def test_hounsfield_units_that_are_whole_are_written_as_int16(tmp_path: Path) -> None:
    whole = Volume(voxels(np.float32), np.eye(4), "ct")
    write_nifti(whole, tmp_path / "whole.nii")
    write_nifti(Volume(whole.voxels + 0.5, np.eye(4), "ct"), tmp_path / "half.nii")
    assert nib.load(tmp_path / "whole.nii").get_data_dtype() == np.int16
    half = nib.load(tmp_path / "half.nii")
    assert half.get_data_dtype() == np.float32
    np.testing.assert_array_equal(half.get_fdata().transpose(2, 1, 0), whole.voxels + 0.5)


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    volume = Volume(voxels(np.float32), np.eye(4))
    write_nifti(volume, tmp_path / "a.nii.gz")
    write_nifti(volume, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", ["whole", "half", "far"])
@pytest.mark.parametrize("extension", [None, b"a comment" * 9])
def test_bytes_are_those_that_nibabel_writes_from_memory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    kind: str,
    extension: bytes | None,
) -> None:
    """However few slices are converted at a time, and wherever the voxels lie."""
    scale = np.float32({"whole": 1, "half": 0.5, "far": 1000}[kind])
    volume = Volume(voxels(np.float32) * scale, AFFINE, "ct")
    affine = AFFINE[:, (2, 1, 0, 3)]
    dtype = np.int16 if kind == "whole" else np.float32
    image = nib.Nifti1Image(volume.voxels.transpose(2, 1, 0).astype(dtype), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header["descrip"] = b"who made it"
    if extension is not None:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(6, extension))
    np.save(tmp_path / "mapped.npy", volume.voxels)
    mapped = Volume(np.load(tmp_path / "mapped.npy", mmap_mode="r"), AFFINE, "ct")
    packed = []
    for at_once in (2**22, 200, 1):
        monkeypatch.setattr("hagan.data.nifti._VOXELS_AT_ONCE", at_once)
        for source in (volume, mapped):
            path = tmp_path / f"out{suffix}"
            write_nifti(source, path, description="who made it", extension=extension)
            data = path.read_bytes()
            packed.append(data)
            assert (gzip.decompress(data) if suffix == ".nii.gz" else data) == image.to_bytes()
    assert len(set(packed)) == 1


def test_a_value_that_is_not_whole_in_the_last_slice_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hagan.data.nifti._VOXELS_AT_ONCE", 1)
    for value in (0.5, 40000.0, -40000.0):
        changed_voxels = voxels(np.float32)
        changed_voxels[-1, -1, -1] = value
        write_nifti(Volume(changed_voxels, np.eye(4), "ct"), tmp_path / "a.nii")
        image = nib.load(tmp_path / "a.nii")
        assert image.get_data_dtype() == np.float32
        assert image.get_fdata()[-1, -1, -1] == value


def test_a_gzip_does_not_tell_when_it_was_made(tmp_path: Path) -> None:
    write_nifti(Volume(voxels(np.float32), np.eye(4)), tmp_path / "a.nii.gz")
    head = (tmp_path / "a.nii.gz").read_bytes()[:10]
    assert head[3:8] == b"\0" * 5, "no file name, no time"
