"""The model card says what the weights are, with figures only where they were measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hagan.errors import BadInputError
from hagan.inference.card import Card, read_results, training_scans, write_card
from hagan.models.weights import load_model

RESULTS = {
    "command": "hagan evaluate runs/a --real store",
    "real": {"name": "real", "n": 31},
    "warnings": ["n = 32: mostly bias"],
    "sets": [
        {"kind": "floor", "name": "floor", "n": 31, "scores": {}},
        {
            "kind": "fake",
            "name": "a",
            "n": 32,
            "scores": {
                "random-resnet10": {
                    "fid": {
                        "value": 13.66,
                        "interval": [11.0, 15.5],
                        "floor": 1.25,
                        "fingerprint": "82d9",
                    },
                    "kid": {"value": None, "reason": "too few"},
                },
                "volumes": {"memorised": {"value": 0.0, "floor": None, "fingerprint": "ab"}},
            },
        },
    ],
}


def test_facts_come_from_the_weights_and_nothing_is_claimed_that_was_not_measured(
    run: Path,
) -> None:
    loaded = load_model(run)
    text = write_card(loaded, Card(licence="cc-by-4.0", data="Six thoraces."))
    assert text.startswith("---\nlicense: cc-by-4.0\nlibrary_name: hagan\n")
    assert "\n- ct\n---\n" in text
    assert f"| weights, SHA-256 | `{loaded.sha256}` |" in text
    assert "| volume (d, h, w) | 32 x 32 x 32 |" in text
    assert "-1024 to 600 HU" in text
    assert "not for clinical use" in text
    assert "Six thoraces." in text
    assert "Not evaluated." in text
    assert "Frechet" not in text


def test_figures_stand_beside_their_floors(run: Path) -> None:
    text = write_card(load_model(run), Card(), results=RESULTS)
    assert "32 generated volumes against 31 real ones" in text
    row = "| random-resnet10 | Frechet distance (lower is better) | 13.7 | 11 to 15.5 | 1.25 |"
    assert row in text
    assert "KID" not in text
    assert "| volumes | share nearer to a training scan" in text
    assert "> n = 32: mostly bias" in text
    assert "Not described by the publisher" in text


def test_the_data_are_named_by_one_hash(run: Path, tmp_path: Path) -> None:
    assert training_scans(tmp_path) is None
    scans = ["0002:bb", "0001:aa"]
    (tmp_path / "inputs.json").write_text(json.dumps({"store": "/somewhere", "scans": scans}))
    found = training_scans(tmp_path)
    text = write_card(load_model(run), Card(), scans=found)
    assert hashlib.sha256(b"0001:aa\n0002:bb").hexdigest() in text
    assert "| scans of the store | 2 |" in text
    assert "/somewhere" not in text
    (tmp_path / "inputs.json").write_text("[]")
    with pytest.raises(BadInputError, match=r"inputs\.json"):
        training_scans(tmp_path)


def test_results_are_those_of_an_evaluation(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    assert read_results(tmp_path) == RESULTS
    assert read_results(tmp_path / "results.json") == RESULTS
    (tmp_path / "other.json").write_text('{"sets": []}')
    for path in (tmp_path / "other.json", tmp_path / "none.json"):
        with pytest.raises(BadInputError, match="no results of hagan evaluate"):
            read_results(path)
