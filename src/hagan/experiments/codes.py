"""Latent codes of a cohort's scans under a run, encoded once."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from hagan.errors import BadInputError
from hagan.experiments.cohort import Cohort
from hagan.experiments.jobs import Job
from hagan.experiments.study import Study


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes by scan."""

    by_scan: Mapping[str, Float64[ndarray, " z"]]
    """By the path of the scan below the folder that was prepared."""
    weights_sha256: str
    """Of the model that encoded."""

    @classmethod
    def read(cls, path: Path) -> Codes:
        """Read what `hagan encode` wrote.

        Raises:
            BadInputError: It is something else.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                names, codes = held["names"].tolist(), held["codes"].astype(np.float64)
                return cls(dict(zip(names, codes, strict=True)), str(held["weights_sha256"]))
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise BadInputError(f"{path}: not what hagan encode writes ({error!r})") from error


def encoding(study: Study, cohort: Cohort, training: Job, run: Path) -> tuple[Job, Path]:
    """The job that encodes every scan of a cohort, at the side of a run, and the file it leaves.

    Args:
        study: Whose folder.
        cohort: Whose scans.
        training: The job that leaves the run.
        run: The run.
    """
    name = training.name.removeprefix("train/")
    side = int(training.command[1].rsplit("-", 1)[1])
    out = study.out / "codes" / f"{name}.npz"
    job = Job(
        name=f"encode/{name}",
        command=(
            *("encode", str(run), str(cohort.store(side)), str(out)),
            *("--device", study.device),
        ),
        needs=(training.name,),
    )
    return job, out
