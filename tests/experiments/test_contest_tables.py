"""Tables of a contest: what is compared, told, and left unfinished."""

from __future__ import annotations

from typing import Any

from hagan.experiments.contest_tables import contest_tables, spread, standing_of
from hagan.experiments.variants import Variant

VARIANTS = [Variant("first", "hagan"), Variant("other", "hagan", ("model.width=16",), "wide")]


def row(variant: str, seed: int, distance: float, **changes: Any) -> dict[str, Any]:
    scores = {"fid": 1.0, "coverage": 0.5, "memorised": 0.0, "self_neighbour": 0.9, "sharpness": 1}
    return {
        "run": f"{variant}/seed-{seed}",
        "variant": variant,
        "seed": seed,
        "steps": 100,
        "share": 1.0,
        "weights": "average",
        "extractor": "one",
        "scores": scores,
        "floor": 0.2,
        "floor_sd": 0.01,
        "distance": distance,
    } | changes


ROWS = [
    row("first", 0, 12.0),
    row("first", 1, 14.0),
    row("other", 0, 3.0),
    row("other", 1, 4.0),
    row("other", 0, 30.0, share=0.25),
    row("other", 0, 5.0, weights="second"),
]


def test_the_end_is_compared_and_the_way_is_shown() -> None:
    tables, reading = contest_tables(VARIANTS, ROWS, {}, {})
    end, second, way, about = tables
    assert [cells[0] for cells in end.body] == ["first", "other"]
    assert end.body[1][:4] == ("other", "2", "100", "3.5 ± 0.71")
    assert end.body[1][-1].startswith("better (distance -9.5")
    assert second.body == (("other", "3.5 ± 0.71", "5"),)
    assert way.header == ("", "25% of the quota", "100% of the quota")
    assert way.body[1] == ("other", "30", "3.5 ± 0.71")
    assert about.body[1] == ("other", "hagan", "model.width=16", "wide")
    assert reading == ["other against first: better."]


def test_extractors_must_agree() -> None:
    apart = [{**one, "extractor": "two", "distance": 13.0} for one in ROWS[:4]]
    _, reading = contest_tables(VARIANTS, [*ROWS, *apart], {}, {})
    assert reading == [
        "other against first: judged apart by the extractors: better by one, as good by two."
    ]


def test_runs_that_ended_early_are_told() -> None:
    tables, _ = contest_tables(
        VARIANTS, ROWS[:2], {"other/seed-0": "nearly alike, after 50%"}, {"other/seed-1": "E5"}
    )
    assert tables[-1].body == (
        ("other/seed-0", "nearly alike, after 50%"),
        ("other/seed-1", "failed: E5"),
    )


def test_means_over_seeds() -> None:
    standing = standing_of(ROWS[:2])
    assert list(standing.distances) == [12.0, 14.0]
    assert standing.checks["self_neighbour"] == 0.9
    assert "seam_gradient" not in standing.checks
    assert [spread([]), spread([2.0]), spread([1.0, 3.0])] == ["-", "2", "2 ± 1.4"]
