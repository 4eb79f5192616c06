"""Brains of made heads are found, whichever way they lie; what has none is refused."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest

from data.made_head import canonical, made_head, needs_extra
from hagan.data import brain_extraction
from hagan.data.brain_extraction import brain_mask, check_volume, load_networks
from hagan.data.morphology import dice
from hagan.data.volume import Volume
from hagan.errors import ScanError, UsageError


@needs_extra
@pytest.mark.slow
def test_the_brain_of_a_made_head_is_found() -> None:
    made = made_head()
    mask = brain_mask(made.head)
    assert dice(mask, made.brain) > 0.95
    check_volume(mask, made.head, "sub-1")
    assert np.array_equal(brain_mask(made.head), mask), "always the same"
    # Twice as bright and shifted, as another scanner would have it.
    other = Volume(made.head.voxels * 2 + 50, made.head.affine)
    assert dice(brain_mask(other), mask) > 0.99


@needs_extra
@pytest.mark.slow
def test_noise_has_no_brain() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 20, (48, 48, 48)).astype(np.float32)
    volume = Volume(noise, canonical(noise.shape, 4.0))
    with pytest.raises(ScanError, match="sub-1") as caught:
        check_volume(brain_mask(volume, name="sub-1"), volume, "sub-1")
    assert caught.value.code == "E124"


@needs_extra
def test_a_blank_scan_is_told_as_blank() -> None:
    blank = Volume(np.full((20, 20, 20), 5, np.float32), np.eye(4))
    with pytest.raises(ScanError, match="sub-1") as caught:
        brain_mask(blank, name="sub-1")
    assert caught.value.code == "E106"


@pytest.mark.parametrize(("side", "fits"), [(80, False), (100, True), (125, True), (135, False)])
def test_only_sizes_of_brains_pass(side: int, fits: bool) -> None:
    scan = Volume(np.zeros((40, 40, 40), np.float32), canonical((40, 40, 40), 5.0))
    mask = np.zeros(scan.shape, bool)
    mask[: side // 5, : side // 5, : side // 5] = True
    if fits:
        check_volume(mask, scan, "sub-1")
        return
    with pytest.raises(ScanError, match=f"sub-1: .* {(side / 10) ** 3:.0f} ml") as caught:
        check_volume(mask, scan, "sub-1")
    assert caught.value.code == "E124"


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    brain_extraction._box_network.cache_clear()
    with pytest.raises(UsageError, match=r"deepbet.*hagan\[brain\]"):
        load_networks()
