"""Features that somebody else computed: the same statistics, and files that are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hagan.config.evaluation import PRESETS, EvaluationConfig
from hagan.errors import BadInputError
from hagan.evaluation.frechet import frechet_distance
from hagan.evaluation.given_features import GIVEN, compare_features, read_features

RNG = np.random.default_rng(0)
FAKE, REAL = RNG.normal(0.2, 1, (40, 6)), RNG.normal(size=(30, 6))


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_monais_definition_is_of_all_rows(tmp_path: Path) -> None:
    fake = read_features(save(tmp_path / "fake.npz", features=FAKE), "fake")
    real = read_features(save(tmp_path / "real.npz", features=REAL), "real")
    found = compare_features([fake], real, None, PRESETS["monai"]())
    row, floor = found.rows
    assert row.scores[GIVEN]["fid"].value == pytest.approx(frechet_distance(FAKE, REAL))
    assert set(row.scores[GIVEN]) == {"fid"}
    assert row.scores[GIVEN]["fid"].floor == floor.scores[GIVEN]["fid"].value
    assert (floor.scores[GIVEN]["fid"].n_fake, floor.scores[GIVEN]["fid"].n_real) == (15, 15)
    assert "15 of the real rows against the other 15" in found.warnings[0]


@pytest.mark.filterwarnings("ignore:The .disp. argument is deprecated:DeprecationWarning")
def test_monais_own_program_agrees(tmp_path: Path) -> None:
    monai = pytest.importorskip("monai.metrics.fid", reason="MONAI is not installed")
    import torch

    fake = read_features(save(tmp_path / "fake.npz", features=FAKE), "fake")
    real = read_features(save(tmp_path / "real.npz", features=REAL), "real")
    found = compare_features([fake], real, None, PRESETS["monai"]())
    theirs = monai.get_fid_score(torch.from_numpy(FAKE), torch.from_numpy(REAL)).item()
    assert found.rows[0].scores[GIVEN]["fid"].value == pytest.approx(theirs, rel=1e-6)


def test_ours_compares_equal_numbers_with_the_training_rows_as_floor(tmp_path: Path) -> None:
    fake = read_features(save(tmp_path / "fake.npz", features=FAKE), "fake")
    real = read_features(save(tmp_path / "real.npz", features=REAL), "real")
    train_rows = RNG.normal(size=(25, 6))
    train = read_features(save(tmp_path / "train.npz", features=train_rows), "train")
    found = compare_features([fake], real, train, EvaluationConfig(resamples=5))
    row, floor = found.rows
    expected = frechet_distance(FAKE[:25], REAL)
    assert row.scores[GIVEN]["fid"].value == pytest.approx(expected)
    assert floor.scores[GIVEN]["fid"].value == pytest.approx(frechet_distance(train_rows, REAL))
    assert "memorised" in row.scores[GIVEN]
    assert "memorised" not in floor.scores[GIVEN]
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"other": FAKE}, "no array called features"),
        ({"features": FAKE[0]}, "expected numbers"),
        ({"features": FAKE[:1]}, "n >= 2"),
        ({"features": np.array([["a", "b"]] * 3)}, "expected numbers"),
        ({"features": np.where(FAKE > 2, np.nan, FAKE)}, "NaN or infinite"),
        ({"features": FAKE, "subjects": np.array(["a"])}, "40 rows of features"),
    ],
)
def test_files_without_a_matrix_are_refused(
    arrays: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=said):
        read_features(save(tmp_path / "f.npz", **arrays), "fake")


def test_damaged_and_pickled_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    path.write_bytes(b"PK no more")
    with pytest.raises(BadInputError, match="not a readable"):
        read_features(path, "fake")
    with pytest.raises(BadInputError, match="not a readable"):
        read_features(tmp_path / "absent.npz", "fake")
    code = save(tmp_path / "g.npz", features=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BadInputError, match="not a readable"):
        read_features(code, "fake")


def test_other_extractors_and_widths_are_refused(tmp_path: Path) -> None:
    fake = read_features(save(tmp_path / "a.npz", features=FAKE, extractor="one"), "fake")
    real = read_features(save(tmp_path / "b.npz", features=REAL, extractor="two"), "real")
    with pytest.raises(BadInputError, match="one and two"):
        compare_features([fake], real, None, EvaluationConfig())
    narrow = read_features(save(tmp_path / "c.npz", features=REAL[:, :5]), "real")
    with pytest.raises(BadInputError, match="5 and 6"):
        compare_features([fake], narrow, None, EvaluationConfig())
