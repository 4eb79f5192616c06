"""Phantom cohorts on disk: the same for a seed, resumable, geometry and truth right."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hagan.config.data import PrepareConfig
from hagan.data.formats import read_scan
from hagan.data.phantom.cohort import (
    FIELD_OF_VIEW_MM,
    TRUTH,
    Kind,
    Member,
    centred_affine,
    write_cohort,
    write_truth,
)
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.prepare import prepare
from hagan.data.table import read_table
from hagan.errors import DiskError, UsageError

SIDE = 32


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three thoraxes of seed 5."""
    out = tmp_path_factory.mktemp("cohort")
    write_cohort("thorax", out, count=3, side=SIDE, seed=5)
    return out


@pytest.fixture
def copy(cohort: Path, tmp_path: Path) -> Path:
    """The cohort again, free to be harmed."""
    for path in cohort.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def truth(folder: Path) -> list[dict[str, str]]:
    with (folder / TRUTH).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_cohort_is_one_file_a_subject_and_a_table(cohort: Path) -> None:
    names = [f"thorax-{number:04d}" for number in range(3)]
    assert sorted(content(cohort)) == [*(f"{name}.nii.gz" for name in names), TRUTH]
    rows = truth(cohort)
    assert [row["subject"] for row in rows] == names
    assert {(row["side"], row["seed"], row["version"]) for row in rows} == {("32", "5", "1")}
    for number, row in enumerate(rows):
        assert float(row["age"]) == pytest.approx(draw_thorax(5, number).age, rel=1e-5)
        assert int(row["gold"]) == draw_thorax(5, number).gold
        assert None not in row
        assert "" not in row.values()


def test_voxels_are_the_rendered_hounsfield_units(cohort: Path) -> None:
    volume = read_scan(cohort / "thorax-0001.nii.gz")
    rendered = render_thorax(draw_thorax(5, 1), SIDE)
    np.testing.assert_array_equal(volume.voxels, rendered.voxels)
    image = nib.load(cohort / "thorax-0001.nii.gz")
    assert image.header["descrip"].item().decode() == "SYNTHETIC hagan phantom 1"


def test_the_table_serves_as_labels_and_covariates(cohort: Path, tmp_path: Path) -> None:
    config = PrepareConfig(protocol="thorax-ct", volume_shape=(SIDE,) * 3, label_column="sex")
    report = prepare(cohort, tmp_path / "store", config, table=cohort / TRUTH, workers=1)
    assert not report.failed
    assert report.without_row == report.unused_rows == ()
    rows = truth(cohort)
    for entry, row in zip(report.store.entries, rows, strict=True):
        assert entry.subject == row["subject"]
        assert entry.label is not None
        assert report.store.class_names[entry.label] == row["sex"]
        assert entry.covariates["age"] == float(row["age"])
    assert set(read_table(cohort / TRUTH).rows) == {row["subject"] for row in rows}


@pytest.mark.parametrize("kind", ["thorax", "brain"])
def test_the_grid_is_centred_and_grows_to_head_back_and_left(
    kind: Kind, tmp_path: Path, cohort: Path
) -> None:
    if kind == "brain":
        write_cohort(kind, tmp_path, count=1, side=SIDE)
        volume = read_scan(tmp_path / "brain-0000.nii.gz")
    else:
        volume = read_scan(cohort / "thorax-0000.nii.gz")
    sizes = {"thorax": (330, 380, 380), "brain": (192, 192, 192)}[kind]
    assert FIELD_OF_VIEW_MM[kind] == sizes
    assert nib.aff2axcodes(volume.affine) == ("S", "P", "L")
    np.testing.assert_allclose(np.array(volume.spacing) * SIDE, sizes, rtol=1e-6)
    faces = [volume.affine @ [*[edge] * 3, 1] for edge in (-0.5, SIDE - 0.5)]
    np.testing.assert_allclose(faces[0][:3] + faces[1][:3], 0, atol=1e-3)
    np.testing.assert_allclose(np.abs(faces[1] - faces[0])[2::-1], sizes, rtol=1e-6)
    np.testing.assert_allclose(volume.affine, centred_affine(kind, SIDE), atol=1e-4)


def test_same_seed_same_bytes_in_a_cohort_of_any_size(cohort: Path, tmp_path: Path) -> None:
    write_cohort("thorax", tmp_path, count=1, side=SIDE, seed=5)
    name = "thorax-0000.nii.gz"
    assert (tmp_path / name).read_bytes() == (cohort / name).read_bytes()
    assert truth(tmp_path) == truth(cohort)[:1]
    write_cohort("thorax", tmp_path, count=3, side=SIDE, seed=5)
    assert content(tmp_path) == content(cohort)


def test_another_seed_is_another_cohort(cohort: Path, tmp_path: Path) -> None:
    write_cohort("thorax", tmp_path, count=1, side=SIDE, seed=6)
    name = "thorax-0000.nii.gz"
    assert (tmp_path / name).read_bytes() != (cohort / name).read_bytes()


@pytest.mark.slow
def test_two_workers_make_what_one_makes(cohort: Path, tmp_path: Path) -> None:
    made: list[str] = []
    members = write_cohort(
        "thorax",
        tmp_path,
        count=3,
        side=SIDE,
        seed=5,
        workers=2,
        on_progress=lambda member: made.append(member.file),
    )
    assert content(tmp_path) == content(cohort)
    # Progress comes as subjects are finished, the cohort in order.
    assert [member.file for member in members] == sorted(made)


def test_only_what_is_missing_is_made_again(copy: Path) -> None:
    before = content(copy)
    times = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    (copy / "thorax-0001.nii.gz").unlink()
    made: list[str] = []
    members = write_cohort(
        "thorax", copy, count=3, side=SIDE, seed=5, on_progress=lambda m: made.append(m.file)
    )
    assert made == ["thorax-0001.nii.gz"]
    assert [member.file for member in members] == [f"thorax-{n:04d}.nii.gz" for n in range(3)]
    assert content(copy) == before
    for name in ("thorax-0000.nii.gz", "thorax-0002.nii.gz"):
        assert (copy / name).stat().st_mtime_ns == times[name]


def test_a_file_whose_row_a_kill_took_is_made_again(copy: Path) -> None:
    before = content(copy)
    lines = (copy / TRUTH).read_text().splitlines(keepends=True)
    (copy / TRUTH).write_text("".join(lines[:-1]))
    (copy / "thorax-0002.nii.gz").write_bytes(b"another's")
    write_cohort("thorax", copy, count=3, side=SIDE, seed=5)
    assert content(copy) == before


def test_a_finished_cohort_is_left_as_it_is(copy: Path) -> None:
    before = content(copy)
    made: list[Member] = []
    assert (
        len(write_cohort("thorax", copy, count=2, side=SIDE, seed=5, on_progress=made.append)) == 2
    )
    assert made == []
    assert content(copy) == before


@pytest.mark.parametrize(
    "again",
    [
        lambda out: write_cohort("thorax", out, count=3, side=64, seed=5),
        lambda out: write_cohort("thorax", out, count=3, side=SIDE, seed=6),
        lambda out: write_cohort("brain", out, count=3, side=SIDE, seed=5),
    ],
    ids=["side", "seed", "kind"],
)
def test_phantoms_of_another_kind_side_or_seed_are_not_mixed(
    copy: Path, again: Callable[[Path], list[Member]]
) -> None:
    before = content(copy)
    with pytest.raises(UsageError, match="another kind, side or seed"):
        again(copy)
    assert content(copy) == before


def test_a_file_in_the_folders_place_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(DiskError, match="a file of that name"):
        write_cohort("thorax", tmp_path / "out", count=1, side=SIDE)


def test_the_table_holds_six_digits_and_every_column(tmp_path: Path) -> None:
    rows = [{"subject": "a", "x": 1 / 3}, {"subject": "b", "y": 12345678}]
    write_truth(tmp_path / TRUTH, [Member("", row) for row in rows])
    assert (tmp_path / TRUTH).read_bytes() == b"subject,x,y\na,0.333333,\nb,,12345678\n"
