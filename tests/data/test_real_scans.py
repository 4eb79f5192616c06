"""Real brains and thoraxes against nibabel and pydicom read by hand."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from hagan.config.data import PrepareConfig
from hagan.data.check import check_scans
from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.formats import read_scan
from hagan.data.prepare import prepare
from hagan.data.protocols import prepare_volume, restore_volume
from hagan.data.store import Store
from hagan.data.volume import CANONICAL_AXES, Volume

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def thorax_store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    config = PrepareConfig(protocol="thorax-ct", volume_shape=(64, 64, 64))
    report = prepare(real_data / "thorax_ct", tmp_path_factory.mktemp("ct") / "store", config)
    assert not report.failed
    return report.store


def air_and_bone(hu: NDArray[np.float32]) -> tuple[float, float]:
    """Median of the air around the body and inside the lungs, and the 99.5 % quantile."""
    return float(np.median(hu[hu < -500])), float(np.quantile(hu, 0.995))


def at(volume: Volume, world: NDArray[np.float64]) -> float:
    """The nearest voxel's intensity at a point in RAS mm."""
    index = np.rint(np.linalg.solve(volume.affine, np.append(world, 1)))[:3].astype(int)
    return float(volume.voxels[tuple(index)])


def test_the_dicom_series_is_read_as_by_hand(real_data: Path) -> None:
    folder = real_data / "thorax_ct" / "Lung_Dx-A0002_dicom"
    volume = read_scan(folder)
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda data: float(data.ImagePositionPatient[2]))
    by_hand = np.stack([
        data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        for data in slices
    ])  # fmt: skip
    np.testing.assert_array_equal(volume.voxels, by_hand)
    assert volume.spacing == (8.0, 0.646484375, 0.646484375)
    assert nib.aff2axcodes(volume.affine) == CANONICAL_AXES
    for number, row, column in ((0, 0, 0), (29, 511, 511), (7, 100, 300)):
        data = slices[number]
        x, y, z = (float(value) for value in data.ImagePositionPatient)
        lps = (x + column * data.PixelSpacing[1], y + row * data.PixelSpacing[0], z)
        expected = (-lps[0], -lps[1], lps[2])
        found = volume.affine @ (number, row, column, 1)
        np.testing.assert_allclose(found[:3], expected, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "thorax_ct/Lung_Dx-A0001_256.nii.gz",
        "thorax_ct/RICORD-1A-419639-000082_256.nii.gz",
        "thorax_ct/TCGA-DE-A4MA_thorax_256.nii.gz",
        "brain_t1/oasis_trt_1mm/oasis_trt20_atlas_01_t1_brain.nii.gz",
        "brain_t1/open_ms_raw/open_ms_longitudinal_patient12_study1_T1W.nii.gz",
        "brain_t1/ixi_2mm/IXI012-HH-1211_T1.nii.gz",
    ],
)
def test_every_voxel_lies_where_nibabel_puts_it(real_data: Path, name: str) -> None:
    volume = read_scan(real_data / name)
    image = nib.load(real_data / name)
    reference = np.asarray(image.dataobj, np.float32)
    assert nib.aff2axcodes(volume.affine) == CANONICAL_AXES
    assert sorted(volume.spacing) == pytest.approx(sorted(image.header.get_zooms()), rel=1e-4)
    rng = np.random.default_rng(0)
    for _ in range(200):
        index = rng.integers(0, reference.shape)
        world = (image.affine @ (*index, 1))[:3]
        assert at(volume, world) == reference[tuple(index)]


def test_air_and_bone_keep_their_hounsfield_units(real_data: Path, thorax_store: Store) -> None:
    assert len(thorax_store.entries) == 4
    for entry in thorax_store.entries:
        source = read_scan(real_data / "thorax_ct" / entry.source)
        clipped = np.clip(source.voxels, -1024, 600)
        stored = restore_volume(thorax_store.load(entry), entry)
        air, bone = air_and_bone(clipped)
        air_after, bone_after = air_and_bone(stored.voxels)
        assert air == pytest.approx(air_after, abs=25), entry.source
        # A rib is thinner than a voxel of 5 mm: its peak sinks towards the tissue around it.
        assert 100 < bone_after <= bone, entry.source
        assert float(clipped.mean()) == pytest.approx(float(stored.voxels.mean()), abs=10)
        # The corners of the field of view stay in place: the grid is the same box of the world.
        extents = np.array(stored.shape) * stored.spacing
        kept = [stop - start for start, stop in entry.crop]
        np.testing.assert_allclose(extents, np.array(kept) * source.spacing, rtol=1e-6)


def test_on_its_own_grid_a_thorax_comes_back_to_a_twentieth_of_a_unit(real_data: Path) -> None:
    source = read_scan(real_data / "thorax_ct" / "Lung_Dx-A0001_256.nii.gz")
    config = PrepareConfig(protocol="thorax-ct", volume_shape=source.shape)
    array, placement = prepare_volume(source, config)
    restored = restore_volume(array, placement)
    assert placement.crop == tuple((0, size) for size in source.shape)
    assert np.abs(restored.voxels - np.clip(source.voxels, -1024, 600)).max() < 0.05
    np.testing.assert_allclose(restored.affine, source.affine)


def test_all_155_brains_with_masks_and_demographics(real_data: Path, tmp_path: Path) -> None:
    config = PrepareConfig(protocol="brain-t1", volume_shape=(64, 64, 64), label_column="sex")
    report = prepare(
        real_data / "brain_t1" / "ixi_2mm",
        tmp_path / "store",
        config,
        masks=real_data / "brain_labels" / "ixi_2mm_dlmuse",
        table=real_data / "brain_t1" / "ixi_2mm_demographics.csv",
    )
    assert (len(report.done), len(report.failed)) == (155, 0)
    assert report.seconds < 60
    store = Store.open(tmp_path / "store")
    assert store.class_names == ("F", "M")
    assert len(report.without_row) == 4
    assert sum("age" in entry.covariates for entry in store.entries) == 151
    for entry in store.entries[::30]:
        volume = store.load(entry)
        assert volume.min() == -1
        assert volume.max() > 0.5
        assert (volume[0] > -1).any()
        assert (volume[-1] > -1).any()
        assert (volume[:, 0] == -1).all()
    parts = [len(VolumeDataset(store, Fold(index), "held-out")) for index in range(5)]
    assert sum(parts) == 155
    assert min(parts) >= 15


def test_real_scans_pass_the_check(real_data: Path) -> None:
    rows = check_scans(real_data / "thorax_ct")
    assert [row.code for row in rows] == [""] * 4
    assert not any(row.warnings for row in rows)
