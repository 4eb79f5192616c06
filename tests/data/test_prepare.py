from __future__ import annotations

import dataclasses
import gzip
import shutil
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from data.made import save_nifti, save_series, save_thorax, thorax
from data.made_head import canonical, made_head, needs_extra
from hagan.config.data import PrepareConfig, ReadConfig
from hagan.data.formats import read_scan, write_scan
from hagan.data.prepare import PrepareReport, ScanResult, prepare
from hagan.data.protocols import restore_volume
from hagan.data.store import Store
from hagan.data.volume import Volume
from hagan.errors import BadInputError, UsageError

CONFIG = PrepareConfig(protocol="thorax-ct", volume_shape=(12, 24, 20))


def run(scans: Path, config: PrepareConfig = CONFIG, **options: object) -> PrepareReport:
    return prepare(scans, scans.parent / "store", config, workers=1, **options)  # type: ignore


def files_of(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


def test_scans_become_a_store(cohort: Path) -> None:
    report = run(cohort)
    assert [len(part) for part in (report.done, report.skipped, report.failed)] == [6, 0, 0]
    store = Store.open(cohort.parent / "store")
    assert [entry.source for entry in store.entries] == [f"sub-0{n}_ct.nii.gz" for n in range(1, 7)]
    assert [entry.subject for entry in store.entries] == [f"sub-0{n}" for n in range(1, 7)]
    for seed, entry in enumerate(store.entries):
        restored = restore_volume(store.load(entry), entry)
        expected = np.clip(thorax(seed=seed), -1024, 600)
        np.testing.assert_allclose(restored.voxels, expected, atol=0.05)
        source = read_scan(cohort / entry.source)
        np.testing.assert_allclose(restored.affine, source.affine, atol=1e-5)


def test_several_processes_write_the_same_store(cohort: Path) -> None:
    run(cohort)
    prepare(cohort, cohort.parent / "parallel", CONFIG, workers=2)
    assert files_of(cohort.parent / "store") == files_of(cohort.parent / "parallel")


def test_the_same_call_again_skips_and_changes_nothing(cohort: Path) -> None:
    run(cohort)
    before = files_of(cohort.parent / "store")
    report = run(cohort)
    assert len(report.skipped) == 6
    assert not report.done
    assert files_of(cohort.parent / "store") == before


def test_what_is_new_changed_or_lost_is_done_again(cohort: Path) -> None:
    run(cohort)
    save_thorax(cohort / "sub-03_ct.nii.gz", seed=33)
    save_thorax(cohort / "sub-00_ct.nii.gz", seed=34)
    (cohort.parent / "store" / "0005.npy").unlink()
    report = run(cohort)
    done = [result.scan for result in report.done]
    assert done == ["sub-00_ct.nii.gz", "sub-03_ct.nii.gz", "sub-05_ct.nii.gz"]
    ids = {entry.source: entry.id for entry in report.store.entries}
    assert (ids["sub-00_ct.nii.gz"], ids["sub-03_ct.nii.gz"]) == ("0007", "0003")
    assert len(files_of(cohort.parent / "store")) == 8


def test_another_configuration_is_refused(cohort: Path) -> None:
    run(cohort)
    with pytest.raises(UsageError, match="prepared with isotropic False"):
        run(cohort, dataclasses.replace(CONFIG, isotropic=True))


def test_a_copy_is_stored_once(cohort: Path) -> None:
    shutil.copy(cohort / "sub-01_ct.nii.gz", cohort / "sub-99_ct.nii.gz")
    report = run(cohort)
    assert len(report.store.entries) == 6
    assert len(files_of(cohort.parent / "store")) == 7
    (skipped,) = report.skipped
    assert "the same content as sub-01_ct.nii.gz" in skipped.message


def test_bad_scans_get_their_lines_and_good_ones_are_done(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    good = save_thorax(scans / "good.nii.gz")
    save_series(scans / "good_series", thorax(seed=5))
    whole = good.read_bytes()
    (scans / "truncated.nii.gz").write_bytes(whole[: len(whole) // 2])
    (scans / "text.nii.gz").write_text("a text")
    (scans / "wrong.xyz").write_bytes(whole)
    (scans / "gone.nii.gz").symlink_to(tmp_path / "nowhere")
    (scans / "empty").mkdir()
    save_nifti(scans / "four.nii.gz", np.stack([thorax()] * 2, -1))
    save_nifti(scans / "zero.nii.gz", thorax() * 0)
    holed = thorax().astype(np.float32)
    holed[0, 0, 0] = np.nan
    save_nifti(scans / "nan.nii.gz", holed)
    sorted((save_series(scans / "gap", thorax(seed=6))).iterdir())[5].unlink()
    seen: list[ScanResult] = []
    report = run(scans, on_progress=seen.append)
    assert {result.scan: result.code for result in report.failed} == {
        "empty": "E110",
        "four.nii.gz": "E104",
        "gap": "E112",
        "gone.nii.gz": "E101",
        "nan.nii.gz": "E105",
        "text.nii.gz": "E102",
        "truncated.nii.gz": "E101",
        "wrong.xyz": "E103",
        "zero.nii.gz": "E106",
    }
    for result in report.failed:
        assert result.message.startswith(f"{result.code} {result.scan}: ")
        assert "\n" not in result.message
    assert [result.scan for result in report.done] == ["good.nii.gz", "good_series"]
    assert sorted(result.scan for result in seen) == [result.scan for result in report.results]


def test_scans_of_one_name_are_told_apart_in_the_lines(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        save_nifti(tmp_path / "scans" / patient / "ct.nii", thorax() * 0)
    messages = [result.message[:15] for result in run(tmp_path / "scans").failed]
    assert messages == ["E106 p1/ct.nii:", "E106 p2/ct.nii:"]


def test_covariates_and_labels_come_from_the_table(cohort: Path) -> None:
    table = cohort.parent / "table.csv"
    table.write_text("id,gold,age\nsub-01,2,60\nsub-02,0,61\nsub-03,2,\nsub-04,10,63\nsub-77,1,1\n")
    config = dataclasses.replace(CONFIG, label_column="gold")
    report = run(cohort, config, table=table)
    assert report.store.class_names == ("0", "2", "10")
    assert [entry.label for entry in report.store.entries] == [1, 0, 1, 2, None, None]
    assert report.store.entries[0].covariates == {"gold": 2.0, "age": 60.0}
    assert report.without_row == ("sub-05_ct.nii.gz", "sub-06_ct.nii.gz")
    assert report.unused_rows == ("sub-77",)
    # A mended table counts without preparing anything again.
    table.write_text("id,gold\n" + "".join(f"sub-0{n},{n % 2}\n" for n in range(1, 7)))
    report = run(cohort, config, table=table)
    assert len(report.skipped) == 6
    assert [entry.label for entry in Store.open(report.store.path).entries] == [1, 0, 1, 0, 1, 0]


def test_a_call_without_the_table_keeps_the_labels(cohort: Path) -> None:
    table = cohort.parent / "table.csv"
    table.write_text("id,sex\n" + "".join(f"sub-0{n},{'FM'[n % 2]}\n" for n in range(1, 7)))
    config = dataclasses.replace(CONFIG, label_column="sex")
    run(cohort, config, table=table)
    report = run(cohort)
    assert report.store.class_names == ("F", "M")
    assert report.store.entries[0].covariates == {"sex": "M"}


def test_arguments_that_contradict_each_other(cohort: Path) -> None:
    with pytest.raises(UsageError, match="brain-t1"):
        run(cohort, masks=cohort)
    with pytest.raises(UsageError, match="no table was given"):
        run(cohort, dataclasses.replace(CONFIG, label_column="gold"))
    table = cohort.parent / "table.csv"
    table.write_text("id,age\nsub-01,60\n")
    with pytest.raises(UsageError, match=r"no column gold .*\(age\)"):
        run(cohort, dataclasses.replace(CONFIG, label_column="gold"), table=table)
    assert not (cohort.parent / "store").exists()


def test_nothing_to_do_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    with pytest.raises(BadInputError, match="no scan"):
        run(tmp_path / "scans")


def test_masks_are_matched_applied_and_remembered(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a1", "a2", "a3"):
        save_nifti(tmp_path / "scans" / f"{name}_T1.nii.gz", rng.random((10, 12, 14)) + 0.1)
    box = np.zeros((10, 12, 14), np.uint8)
    box[3:7, 4:9, 5:10] = 5
    save_nifti(tmp_path / "masks" / "a1_T1_mask.nii.gz", box)
    save_nifti(tmp_path / "masks" / "a2_T1_mask.nii.gz", box[:-1])
    config = PrepareConfig(protocol="brain-t1", volume_shape=(8, 8, 8))
    report = run(tmp_path / "scans", config, masks=tmp_path / "masks")
    assert {result.scan: result.code for result in report.failed} == {
        "a2_T1.nii.gz": "E120",
        "a3_T1.nii.gz": "E121",
    }
    (entry,) = report.store.entries
    assert entry.crop == ((5, 10), (0, 12), (0, 10))
    assert report.store.load(entry)[:, 0].max() == -1
    # Another mask is another volume.
    box[3] = 0
    save_nifti(tmp_path / "masks" / "a1_T1_mask.nii.gz", box)
    assert len(run(tmp_path / "scans", config, masks=tmp_path / "masks").done) == 1


def test_a_damaged_stream_does_not_reach_the_store(cohort: Path) -> None:
    path = cohort / "sub-02_ct.nii.gz"
    raw = bytearray(gzip.decompress(path.read_bytes()))
    packed = bytearray(gzip.compress(bytes(raw)))
    packed[-7] ^= 1  # the CRC no longer fits
    path.write_bytes(packed)
    (failed,) = run(cohort).failed
    assert failed.code == "E109"
    assert len(Store.open(cohort.parent / "store").entries) == 5


def test_a_restored_volume_is_a_file_that_others_read_in_place(cohort: Path) -> None:
    report = run(cohort)
    entry = report.store.entries[0]
    restored = restore_volume(report.store.load(entry), entry)
    write_scan(restored, cohort.parent / "back.nii.gz")
    source = nib.load(cohort / entry.source)
    back = nib.load(cohort.parent / "back.nii.gz")
    np.testing.assert_allclose(back.affine, source.affine, atol=1e-4)
    expected = np.clip(source.get_fdata(), -1024, 600)
    np.testing.assert_allclose(back.get_fdata(), expected, atol=0.05)


def test_an_interrupted_store_ends_up_the_same(cohort: Path) -> None:
    (cohort / "sub-02_ct.nii.gz").write_text("a text")
    prepare(cohort, cohort.parent / "whole", CONFIG, workers=1)

    def stop(result: ScanResult) -> None:
        if result.scan.startswith("sub-04"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(cohort, on_progress=stop)
    store = cohort.parent / "store"
    assert len(Store.open(store).entries) == 3
    (store / "0099.npy").touch()
    (store / ".0123abcd-0005.npy").touch()
    assert len(run(cohort).done) == 2
    assert files_of(store) == files_of(cohort.parent / "whole")


def test_a_series_with_a_gap_is_refused_left_out_or_mended(tmp_path: Path) -> None:
    save_series(tmp_path / "scans" / "whole", thorax(seed=1))
    gap = save_series(tmp_path / "scans" / "gap")
    for path in list(gap.iterdir()):
        if pydicom.dcmread(path).InstanceNumber == 6:
            path.unlink()
    refused = run(tmp_path / "scans")
    assert [item.code for item in refused.failed] == ["E112"]
    left_out = run(tmp_path / "scans", reading=ReadConfig(on_gap="skip"))
    assert not left_out.failed
    assert [(item.scan, item.code) for item in left_out.skipped if item.code] == [("gap", "E112")]
    assert len(left_out.store.entries) == 1
    mended = run(tmp_path / "scans", reading=ReadConfig(on_gap="interpolate"))
    assert [item.scan for item in mended.done if item.mended] == ["gap"]
    told = {entry.source: entry.mended for entry in Store.open(tmp_path / "store").entries}
    assert told == {"gap": ("1 of 12 slices interpolated",), "whole": ()}
    # What was mended once does not stay when mending is no longer asked for.
    assert [item.code for item in run(tmp_path / "scans").failed] == ["E112"]


def test_heads_without_their_packages_are_refused_before_the_first_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_nifti(tmp_path / "scans" / "a.nii.gz", np.ones((9, 9, 9), np.float32))
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    config = PrepareConfig(protocol="brain-t1", volume_shape=(12, 12, 12), from_head=True)
    with pytest.raises(UsageError, match=r"SimpleITK.*hagan\[brain\]"):
        run(tmp_path / "scans", config)
    assert not (tmp_path / "store").exists()


@needs_extra
@pytest.mark.slow
def test_a_head_without_a_brain_fails_alone_and_is_shown(tmp_path: Path) -> None:
    made = made_head()
    scans = tmp_path / "scans"
    scans.mkdir()
    write_scan(made.head, scans / "good.nii.gz")
    noise = np.random.default_rng(0).uniform(10, 200, (40, 40, 40)).astype(np.float32)
    write_scan(Volume(noise, canonical(noise.shape, 5.0)), scans / "noise.nii.gz")
    config = PrepareConfig(protocol="brain-t1", volume_shape=(32, 32, 32), from_head=True)
    report = run(scans, config, previews=tmp_path / "pictures")
    assert [result.scan for result in report.done] == ["good.nii.gz"]
    (failed,) = report.failed
    assert (failed.scan, failed.code) == ("noise.nii.gz", "E124")
    assert (tmp_path / "pictures" / "good.nii.gz.png").is_file()
    store = Store.open(tmp_path / "store")
    assert store.entries[0].to_scanner is not None
    assert store.geometry.from_head
    # The same again has nothing to do but to fail the same.
    again = run(scans, config)
    assert [result.scan for result in again.skipped] == ["good.nii.gz"]
    with pytest.raises(UsageError, match="from_head True"):
        run(scans, dataclasses.replace(config, from_head=False))


def test_each_scan_that_is_prepared_has_its_picture(cohort: Path) -> None:
    pictures = cohort.parent / "deep" / "pictures"
    (cohort / "more").mkdir()
    shutil.move(cohort / "sub-01_ct.nii.gz", cohort / "more" / "sub-01_ct.nii.gz")
    run(cohort, previews=pictures)
    names = sorted(path.name for path in pictures.iterdir())
    assert len(names) == 6
    assert names[0] == "more__sub-01_ct.nii.gz.png"
    before = {path: path.stat().st_mtime_ns for path in pictures.iterdir()}
    run(cohort, previews=pictures)
    assert {path: path.stat().st_mtime_ns for path in pictures.iterdir()} == before
