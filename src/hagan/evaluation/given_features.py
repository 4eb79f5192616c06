"""Comparing features that somebody else computed: files with one row a volume."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hagan.config.evaluation import EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation.comparison import Comparison, Row, with_floors
from hagan.evaluation.feature_scores import References, feature_scores
from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import Measured
from hagan.evaluation.sources import halves

GIVEN = "given features"
KEY = "features"


@dataclass(frozen=True)
class FeatureFile:
    """Features of one set, and who made them as far as the file says."""

    measured: Measured
    extractor: str


def read_features(path: Path, name: str) -> FeatureFile:
    """Read `features` [n, f] of an .npz file; `subjects` [n] and `extractor` may be there too.

    Args:
        path: The file.
        name: What the set is called.

    Raises:
        BadInputError: The file cannot be read, or holds no finite matrix of at least two rows.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            if KEY not in content:
                raise BadInputError(f"{path}: no array called {KEY} ({', '.join(content)})")
            features = content[KEY]
            subjects = content.get("subjects")
            extractor = str(content["extractor"]) if "extractor" in content else "unknown"
    except (OSError, ValueError, EOFError) as error:
        raise BadInputError(f"{path}: not a readable .npz file ({error})") from error
    if features.ndim != 2 or features.dtype.kind not in "fiu" or len(features) < 2:
        raise BadInputError(
            f"{path}: {KEY} is {features.dtype} {features.shape}; expected numbers [n, f], n >= 2"
        )
    matrix = features.astype(np.float64)
    if not np.isfinite(matrix).all():
        raise BadInputError(f"{path}: {KEY} holds NaN or infinite values; compute them again")
    if subjects is not None and subjects.shape != (len(matrix),):
        raise BadInputError(f"{path}: {len(matrix)} rows of features, {subjects.shape} subjects")
    rows = [hashlib.sha256(row.astype("<f8").tobytes()).hexdigest() for row in matrix]
    named = [str(item) for item in subjects] if subjects is not None else rows
    return FeatureFile(Measured(name, tuple(named), tuple(rows), {GIVEN: matrix}), extractor)


def compare_features(
    fakes: Sequence[FeatureFile],
    real: FeatureFile,
    train: FeatureFile | None,
    config: EvaluationConfig,
) -> Comparison:
    """Judge feature sets; without volumes there are no anchors and nothing of the voxels.

    Without training features the floor is one half of the real rows against the other.

    Raises:
        BadInputError: Sets of different extractors or widths.
    """
    sets = [*fakes, real, *([train] if train else [])]
    widths = {item.measured.values[GIVEN].shape[1] for item in sets}
    extractors = {item.extractor for item in sets} - {"unknown"}
    if len(widths) > 1 or len(extractors) > 1:
        told = " and ".join(sorted(extractors) if len(extractors) > 1 else map(str, sorted(widths)))
        raise BadInputError(f"features of different extractors or widths: {told}")
    definition: dict[str, Fact] = {
        "extractor": " ".join(extractors) or "unknown",
        "weights_sha256": "as given",
        "normalisation": "as given",
        "num_features": widths.pop(),
    }
    facts: dict[str, Fact] = {"resampling": "as given", "preset": config.preset}
    first, second = halves(list(real.measured.subjects))
    floor_real = real.measured if train else real.measured.rows(first)
    floor_fake = train.measured if train else real.measured.rows(second)

    def references(reference: Measured) -> References:
        return References(GIVEN, definition, reference, floor_fake, None, facts, config)

    rows = []
    warnings = []
    for item in fakes:
        count = len(item.measured)
        if config.equal_counts:
            count = min(count, config.count or count, len(floor_fake))
        fake = item.measured.rows(range(count))
        row = Row(fake.name, "fake", fake)
        reference = floor_real if config.equal_counts else real.measured
        for score in feature_scores(fake, references(reference), with_intervals=True):
            row.add(GIVEN, score)
        rows.append(row)
    floor_name = "floor: other real volumes"
    floor = Row(floor_name, "floor", replace(floor_fake, name=floor_name))
    for score in feature_scores(
        floor.measured, references(floor_real), with_intervals=True, is_floor=True
    ):
        floor.add(GIVEN, score)
    if train is None:
        warnings.append(
            f"the floor is {len(second)} of the real rows against the other {len(first)}: name the "
            "training features with --train for a floor at the full count"
        )
    return Comparison(
        rows=tuple(with_floors([*rows, floor])),
        real=real.measured,
        train=floor_fake,
        headings=(GIVEN,),
        unfit={},
        warnings=tuple(warnings),
        config=config,
    )
