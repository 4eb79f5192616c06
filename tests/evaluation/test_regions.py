"""Regions of a volume and their sizes."""

from __future__ import annotations

import numpy as np
import pytest

from hagan.data.phantom.cohort import centred_affine
from hagan.data.phantom.thorax import render_thorax
from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.placement import Geometry
from hagan.data.volume import Volume
from hagan.errors import UsageError
from hagan.evaluation.regions import REGIONS, region_masks, region_sizes, regions_of, sizes_of


def test_sizes_are_millilitres_and_shares_of_the_lung() -> None:
    rendered = render_thorax(draw_thorax(2, 1), 32)
    volume = Volume(rendered.voxels.astype(np.float32), centred_affine("thorax", 32), "ct")
    masks = region_masks(volume)
    sizes = region_sizes(volume)
    assert list(sizes) == list(REGIONS["ct"])
    assert sizes == region_sizes(volume, masks)
    assert sizes["lung"] == pytest.approx(1000 * rendered.truth["lung_l"], rel=0.07)
    share = 100 * np.count_nonzero(masks["emphysema"]) / np.count_nonzero(masks["lung"])
    assert sizes["emphysema"] == pytest.approx(share)


def test_a_share_of_nothing_is_unknown() -> None:
    empty = Volume(np.full((8, 8, 8), 30, np.float32), np.diag([5.0, 5, 5, 1]), "ct")
    sizes = region_sizes(empty, {name: np.zeros((8, 8, 8), bool) for name in REGIONS["ct"]})
    assert np.isnan(sizes["emphysema"])
    assert sizes["lung"] == 0


@pytest.mark.parametrize(
    ("modality", "protocol", "expected"),
    [
        ("ct", "thorax-ct", ["lung", "bone", "emphysema"]),
        ("mr", "brain-t1", ["brain", "ventricles"]),
        ("mr", "generic", []),
        ("unknown", "thorax-ct", []),
    ],
)
def test_regions_go_by_what_was_prepared(modality: str, protocol: str, expected: list[str]) -> None:
    affine = ((1.0, 0, 0, 0), (0, 1.0, 0, 0), (0, 0, 1.0, 0), (0, 0, 0, 1.0))
    geometry = Geometry(
        volume_shape=(32, 32, 32),
        spacing=(1.0, 1.0, 1.0),
        affine=affine,
        modality=modality,  # type: ignore[arg-type]
        protocol=protocol,  # type: ignore[arg-type]
        window_low=0.0,
        window_high=1.0,
    )
    assert list(regions_of(geometry)) == expected
    assert regions_of(None) == {}


def test_other_modalities_have_no_regions() -> None:
    volume = Volume(np.zeros((8, 8, 8), np.float32), np.eye(4), "unknown")
    with pytest.raises(UsageError, match=r"ct .* and in mr"):
        region_masks(volume)
    with pytest.raises(UsageError):
        sizes_of("unknown")
