from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from hagan.data.conditions import Conditions
from hagan.data.placement import Geometry, Placement, Window, as_rows
from hagan.errors import BadInputError


def test_the_window_of_the_paper() -> None:
    window = Window(-1024, 600)
    values = window.window(np.array([-2000, -1024, -212, 600, 3000], np.float32))
    np.testing.assert_allclose(values, [-1, -1, 0, 1, 1], atol=1e-6)


def test_unwindow_undoes_it() -> None:
    window = Window(-1024, 600)
    hu = np.arange(-1024, 601, dtype=np.float32)
    np.testing.assert_allclose(window.unwindow(window.window(hu)), hu, atol=1e-3)


def test_geometry_survives_json_exactly() -> None:
    geometry = Geometry(
        volume_shape=(64, 48, 32),
        spacing=(2.5, 0.1 + 0.2, 1 / 3),
        affine=as_rows(np.eye(4) / 3),
        modality="ct",
        protocol="thorax-ct",
        window_low=-1024.0,
        window_high=600.0,
        class_names=("0", "1"),
        crop="body",
    )
    assert Geometry.from_json(geometry.to_json()) == geometry
    assert "\n" not in geometry.to_json()
    assert geometry.window == Window(-1024.0, 600.0)


def test_further_scans_are_prepared_as_these_were_and_older_runs_say_nothing_of_heads() -> None:
    geometry = Geometry(
        volume_shape=(64, 64, 64),
        spacing=(3.0, 3.0, 3.0),
        affine=as_rows(np.eye(4)),
        modality="mr",
        protocol="brain-t1",
        window_low=0.0,
        window_high=140.0,
        from_head=True,
    )
    assert geometry.prepare_config.from_head
    content = json.loads(geometry.to_json())
    del content["from_head"], content["crop"]
    older = Geometry.from_json(json.dumps(content)).prepare_config
    assert (older.from_head, older.crop) == (False, "slices")


def test_the_way_to_the_scanner_is_kept() -> None:
    rng = np.random.default_rng(0)
    affine, there = np.eye(4), np.eye(4)
    affine[:3], there[:3] = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    placement = Placement(
        affine=as_rows(affine),
        spacing=(1.0, 1.0, 1.0),
        source_shape=(9, 9, 9),
        source_affine=as_rows(np.eye(4)),
        crop=((0, 9), (0, 9), (0, 9)),
        window=Window(0, 1),
        modality="mr",
    )
    np.testing.assert_array_equal(placement.scanner_affine, affine)
    registered = dataclasses.replace(placement, to_scanner=as_rows(there))
    voxel = [3, 4, 5, 1]
    np.testing.assert_allclose(registered.scanner_affine @ voxel, there @ (affine @ voxel))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"spacing": 1}'])
def test_what_is_no_geometry(text: str) -> None:
    with pytest.raises(BadInputError):
        Geometry.from_json(text)


def test_conditions_survive_json_exactly() -> None:
    scans: list[dict[str, float | str]] = [{"age": 1 / 3}, {"age": 71.2268}]
    geometry = Geometry(
        volume_shape=(64, 64, 64),
        spacing=(3.0, 3.0, 3.0),
        affine=as_rows(np.eye(4)),
        modality="mr",
        protocol="brain-t1",
        window_low=0.0,
        window_high=140.0,
        conditions=Conditions.of_scans(("age",), scans, (1, 0), Path("s")),
    )
    assert Geometry.from_json(geometry.to_json()) == geometry
    content = json.loads(geometry.to_json())
    del content["conditions"]
    assert Geometry.from_json(json.dumps(content)).conditions is None
