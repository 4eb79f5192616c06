"""From whole heads to brains in MNI152's space: made ones with known truth, and real ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from data.made_head import made_head, needs_extra
from hagan.data.formats import read_scan
from hagan.data.head import brain_of_head, require_extra
from hagan.data.morphology import dice
from hagan.data.registration import resample
from hagan.data.step_picture import Step
from hagan.data.template import mni152
from hagan.data.volume import Volume
from hagan.errors import ScanError, UsageError


@needs_extra
@pytest.mark.slow
def test_a_made_head_becomes_a_brain_on_the_template() -> None:
    made, steps = made_head(), list[Step]()
    found = brain_of_head(made.head, watch=steps.append)
    template = mni152()
    assert found.brain.shape == template.brain.shape
    np.testing.assert_array_equal(found.brain.affine, template.brain.affine)
    inside = found.brain.voxels > 0
    assert dice(inside, template.mask) > 0.9
    assert dice(found.mask, made.brain) > 0.95
    # The way back: what lay in the scanner's space is where the transform says.
    there = resample(
        Volume(made.brain.astype(np.float32), made.head.affine), found.to_scanner, template.brain
    )
    assert dice(there.voxels > 0.5, inside) > 0.94
    white = resample(
        Volume(made.white.astype(np.float32), made.head.affine), found.to_scanner, template.brain
    )
    assert np.median(found.brain.voxels[white.voxels > 0.9]) == pytest.approx(110, rel=0.06)
    assert [step.label for step in steps] == [
        "scan, brain outlined",
        "without shading",
        "registered, template outlined",
        "template",
    ]


@needs_extra
@pytest.mark.slow
def test_left_stays_left() -> None:
    made = made_head()
    marked = made.head.voxels.copy()
    half = marked.shape[2] // 2
    left = np.zeros(made.brain.shape, bool)
    left[:, :, half:] = made.brain[:, :, half:]  # w grows to the left
    marked[left] *= 0.6
    found = brain_of_head(Volume(marked, made.head.affine), made.brain)
    there = resample(
        Volume(left.astype(np.float32), made.head.affine), found.to_scanner, found.brain
    )
    w = np.nonzero(there.voxels > 0.5)[2]
    assert np.mean(w > found.brain.shape[2] / 2) > 0.95


@needs_extra
@pytest.mark.slow
def test_a_given_mask_spares_the_search_and_must_hold_a_brain() -> None:
    made = made_head()
    found = brain_of_head(made.head, made.brain)
    np.testing.assert_array_equal(found.mask, made.brain)
    small = made.brain.copy()
    small[: small.shape[0] // 2] = False
    steps = list[Step]()
    with pytest.raises(ScanError, match="sub-1: ") as caught:
        brain_of_head(made.head, small, name="sub-1", watch=steps.append)
    assert caught.value.code in ("E124", "E125")
    assert steps, "what is refused is shown"


def test_without_simple_itk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(UsageError, match=r"SimpleITK.*hagan\[brain\]"):
        require_extra(masks=True)


@needs_extra
def test_with_all_packages_nothing_is_missing() -> None:
    require_extra(masks=False)


@needs_extra
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("subject", ["IXI012-HH-1211", "IXI034-HH-1260"])
def test_real_heads(real_data: Path, subject: str) -> None:
    head = read_scan(real_data / "brain_t1" / "ixi_2mm" / f"{subject}_T1.nii.gz")
    labels = real_data / "brain_labels" / "ixi_2mm_dlmuse" / f"{subject}_T1_DLMUSE.nii.gz"
    found = brain_of_head(head)
    assert dice(found.mask, read_scan(labels).voxels > 0) > 0.97
    assert found.registration.overlap > 0.94
    assert found.registration.correlation > 0.85
    template = mni152()
    white = found.brain.voxels[template.white_matter]
    assert np.median(white) == pytest.approx(110, rel=0.05)
