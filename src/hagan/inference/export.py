"""Synthetic volumes to files: marked as what they are, listed in a manifest, made again from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hagan import __version__
from hagan.data.dicom_write import Marks, write_series
from hagan.data.files import make_folder, write_bytes_atomically
from hagan.data.formats import write_scan
from hagan.data.nifti import write_nifti
from hagan.data.volume import Volume
from hagan.errors import BadInputError, UsageError
from hagan.inference.sampler import Sampler
from hagan.models.weights import Loaded

Format = Literal["nifti", "npy", "dicom", "bids"]
SUFFIXES: dict[str, str] = {"nifti": ".nii.gz", "npy": ".npy", "dicom": "-dicom"}
"""How the files of a format end, and the folders of DICOM series."""

BIDS_SUFFIXES: dict[str, str] = {"thorax-ct": "ct", "brain-t1": "T1w"}
"""By protocol; BIDS has none for CT, so that its folders are named in .bidsignore."""
BIDS_VERSION = "1.9.0"
DESCRIPTION = "dataset_description.json"

BODY_PARTS: dict[str, Literal["CHEST", "BRAIN"]] = {"thorax-ct": "CHEST", "brain-t1": "BRAIN"}
"""By protocol, as DICOM calls them."""

MANIFEST = "manifest.json"
GENERATED = "generated; no source image"
REBUILT = "rebuilt from an encoded scan: this is patient data"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One volume of a manifest."""

    file: str
    sha256: str
    """Of the voxels as they were computed: float32, [d, h, w], little-endian."""
    seed: int | None = None
    index: int | None = None
    label: int | None = None
    truncation: float = 1.0
    source: str | None = None
    """The scan that was rebuilt."""
    mean_absolute_error: float | None = None
    """Of a reconstruction, in the scan's own units."""
    target: str | None = None
    """Of the direction along which the code was moved."""
    asked: float | None = None
    """Value that the moved code is predicted to have."""
    conditions: dict[str, float] | None = None
    """Covariates with which it was made, in their own units."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder of synthetic volumes holds and how each was made."""

    kind: str
    recipe: str
    step: int
    weights_sha256: str
    hagan_version: str
    rows: tuple[Row, ...] = ()
    synthetic: bool = True

    def row_of(self, file: str) -> Row | None:
        """The row of a file, if it is there."""
        return next((row for row in self.rows if row.file == file), None)


def file_name(index: int, file_format: Format, protocol: str | None) -> str:
    """Name of a generated volume below its folder.

    Args:
        index: Its number in the series.
        file_format: Of the file; a BIDS derivative has a folder a subject.
        protocol: How the training data were prepared, if that is known.

    Returns:
        A relative path with forward slashes.
    """
    if file_format != "bids":
        return f"{index:04d}{SUFFIXES[file_format]}"
    suffix = BIDS_SUFFIXES.get(protocol or "", "T1w")
    kind = "ct" if suffix == "ct" else "anat"
    subject = f"sub-synthetic{index:04d}"
    return f"{subject}/{kind}/{subject}_desc-synthetic_{suffix}.nii.gz"


class Exporter:
    """Writes marked volumes into a folder and keeps its manifest true after each."""

    def __init__(self, folder: Path, loaded: Loaded, *, kind: str, bids: bool = False) -> None:
        """Begin a folder, or go on with one of the same weights.

        Args:
            folder: Where the files go.
            loaded: The model behind them.
            kind: `GENERATED` or `REBUILT`.
            bids: The folder is to be a BIDS derivative, and says so.

        Raises:
            UsageError: The folder holds something else.
        """
        self.folder = folder
        fresh = Manifest(
            kind=kind,
            recipe=loaded.config.name,
            step=loaded.step,
            weights_sha256=loaded.sha256,
            hagan_version=__version__,
        )
        found = read_manifest(folder)
        # Hidden files are the temporaries of a killed call, or a desktop's own.
        visible = folder.is_dir() and any(item.name[0] != "." for item in folder.iterdir())
        if found is None and visible:
            raise UsageError(f"{folder} is not empty and holds no {MANIFEST}; choose a new folder")
        if found is not None and not found.rows:
            found = None
        if found is not None and dataclasses.replace(found, rows=()) != fresh:
            raise UsageError(
                f"{folder} holds volumes of other weights or another kind; choose a new folder"
            )
        self.manifest = found or fresh
        self._protocol = str((loaded.geometry or {}).get("protocol"))
        self._bids = bids
        self._begun = found is not None

    def add(self, volume: Volume, row: Row) -> None:
        """Write one volume with its marks, then its row; the same call mends what a kill left."""
        self.begin()
        self.write(volume, row)
        self.enter([row])

    def begin(self) -> None:
        """Make the folder known as ours, before its first volume: a kill may come at any time."""
        if not self._begun:
            make_folder(self.folder)
            if self._bids:
                self._describe()
            self._write_manifest()
            self._begun = True

    def write(self, volume: Volume, row: Row) -> None:
        """Write one volume with its marks and nothing else, as several processes may at once."""
        path = self.folder / row.file
        make_folder(path.parent)
        if row.file.endswith(SUFFIXES["dicom"]):
            write_series(volume, path, self._marks(row))
            return
        facts = {
            "Synthetic": True,
            "Kind": self.manifest.kind,
            "Software": f"hagan {self.manifest.hagan_version}",
            "WeightsSHA256": self.manifest.weights_sha256,
            "NotForClinicalUse": True,
            **{name: value for name, value in dataclasses.asdict(row).items() if value is not None},
        }
        text = json.dumps(facts, indent=2) + "\n"
        if row.file.endswith(SUFFIXES["nifti"]):
            mark = f"SYNTHETIC hagan {self.manifest.weights_sha256[:8]}"
            write_nifti(volume, path, description=mark, extension=text.encode())
            side_car = path.with_name(path.name.removesuffix(".nii.gz") + ".json")
            write_bytes_atomically(side_car, text.encode())
        else:
            write_scan(volume, path)
            side_car = path.with_suffix(".json")
            marked = json.loads(side_car.read_text()) | facts
            write_bytes_atomically(side_car, (json.dumps(marked, indent=2) + "\n").encode())

    def _describe(self) -> None:
        """What every BIDS data set has at its root."""
        content = {
            "Name": "Synthetic volumes; not for clinical use",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "hagan", "Version": self.manifest.hagan_version}],
        }
        text = json.dumps(content, indent=2) + "\n"
        write_bytes_atomically(self.folder / DESCRIPTION, text.encode())
        ignored = f"{MANIFEST}\n**/ct/\n"
        write_bytes_atomically(self.folder / ".bidsignore", ignored.encode())

    def _marks(self, row: Row) -> Marks:
        """What a DICOM series says of itself."""
        return Marks(
            derivation=f"{self.manifest.kind} (HA-GAN family, hagan {self.manifest.hagan_version})",
            subject=f"{self.manifest.weights_sha256[:8]}-{row.file.removesuffix('-dicom')}",
            weights_sha256=self.manifest.weights_sha256,
            body_part=BODY_PARTS.get(self._protocol),
        )

    def enter(self, rows: Sequence[Row]) -> None:
        """Put volumes that are written into the manifest; for one process of all."""
        files = {row.file for row in rows}
        kept = (row for row in self.manifest.rows if row.file not in files)
        all_rows = tuple(sorted((*kept, *rows), key=lambda row: row.file))
        self.manifest = dataclasses.replace(self.manifest, rows=all_rows)
        self._write_manifest()

    def _write_manifest(self) -> None:
        content = json.dumps(dataclasses.asdict(self.manifest), indent=2) + "\n"
        write_bytes_atomically(self.folder / MANIFEST, content.encode())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, or none.

    Raises:
        BadInputError: There is one, but it is not ours.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        rows = tuple(Row(**row) for row in content.pop("rows"))
        return Manifest(**content, rows=rows)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInputError(f"{path}: not a manifest of hagan ({error})") from error


def regenerate(sampler: Sampler, row: Row) -> Volume:
    """The volume of a manifest's row, made again.

    Raises:
        UsageError: The row was not generated, was moved, or does not suit the model.
        BadInputError: The volume differs from the row's hash, as with other weights.
    """
    if row.target is not None:
        raise UsageError(
            f"{row.file} was moved along {row.target}; `hagan traverse` makes it again"
        )
    if row.seed is None or row.index is None:
        raise UsageError(f"{row.file} was rebuilt from {row.source}; only that scan gives it again")
    volume = sampler.sample(
        row.index,
        seed=row.seed,
        label=row.label,
        truncation=row.truncation,
        conditions=row.conditions,
    )
    if hash_of(volume) != row.sha256:
        raise BadInputError(
            f"{row.file} came out different: take the weights that the manifest names, and the "
            "device and torch that made it"
        )
    return volume


def hash_of(volume: Volume) -> str:
    """SHA-256 of a volume's voxels as little-endian float32 in the order d, h, w."""
    return hashlib.sha256(np.ascontiguousarray(volume.voxels, dtype="<f4").tobytes()).hexdigest()
