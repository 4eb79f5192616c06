"""The MNI152 template: an average T1 brain in the space that atlases use, from nilearn's package.

ICBM 2009a nonlinear symmetric (Fonov et al. 2011), skull-stripped, 1 mm. Of nilearn only the files
are read; its own packages need not be there.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hagan.data.morphology import Mask
from hagan.data.nifti import read_nifti
from hagan.data.packaged import packaged_file
from hagan.data.transforms import to_canonical
from hagan.data.volume import Volume

PACKAGE = "nilearn"
FILE = "nilearn/datasets/data/mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
SHA256 = {
    "t1": "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
    "wm": "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
}

DEEP = 0.95
"""Of the map's largest value: white matter that hardly ever is anything else."""


@dataclass(frozen=True, eq=False)
class Template:
    """An average brain in canonical orientation."""

    brain: Volume
    """T1 intensities, 0 outside the brain."""
    white_matter: Mask
    """Where nearly everybody has white matter, on the same grid."""

    @property
    def mask(self) -> Mask:
        """The brain with its fluid."""
        return self.brain.voxels > 0


@cache
def mni152() -> Template:
    """Read the template.

    Raises:
        UsageError: nilearn is not installed.
        BadInputError: A file of it cannot be read.
        UnsafeFileError: A file of it is another one.
    """
    brain, white = (_read(kind) for kind in ("t1", "wm"))
    deep = white.voxels > DEEP * float(white.voxels.max())
    return Template(brain, np.asarray(deep))


def _read(kind: str) -> Volume:
    content = packaged_file(PACKAGE, FILE.format(kind=kind), SHA256[kind])
    # Readers take files; this one was hashed just now.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{kind}.nii.gz")
        path.write_bytes(content)
        return to_canonical(read_nifti(path))
