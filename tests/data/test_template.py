"""The packaged template: MNI152, left and right as they are."""

from __future__ import annotations

from importlib import metadata

import nibabel as nib
import numpy as np
import pytest

from data.made_head import needs_extra
from hagan.data.template import mni152
from hagan.data.volume import CANONICAL_AXES
from hagan.errors import UsageError


@needs_extra
def test_it_is_an_average_brain_at_one_millimetre() -> None:
    template = mni152()
    assert template.brain.shape == (189, 233, 197)
    assert template.brain.spacing == (1.0, 1.0, 1.0)
    assert nib.aff2axcodes(template.brain.affine) == CANONICAL_AXES
    assert 1700 < np.count_nonzero(template.mask) / 1000 < 2000
    # The front is narrower than the back and the origin lies within the brain.
    index = np.linalg.solve(template.brain.affine, [0, 0, 0, 1])[:3].astype(int)
    assert template.mask[tuple(index)]


@needs_extra
def test_its_white_matter_lies_within_and_is_bright() -> None:
    template = mni152()
    white = template.brain.voxels[template.white_matter]
    assert white.size > 100_000
    rest = template.brain.voxels[template.mask & ~template.white_matter]
    assert np.median(white) > np.quantile(rest, 0.75)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    mni152.cache_clear()
    with pytest.raises(UsageError, match=r"nilearn.*hagan\[brain\]"):
        mni152()
