"""Where a run keeps its files: one place each, all of them below the run's folder."""

from __future__ import annotations

from pathlib import Path

from hagan.config.run_dir import RunDir


def test_every_file_has_a_place_of_its_own_below_the_run(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "a")
    names = [name for name, member in vars(RunDir).items() if isinstance(member, property)]
    places = [getattr(run, name) for name in names]
    assert len(set(places)) == len(places) >= 6
    assert all(place.is_relative_to(run.path) for place in places)


def test_names_that_documents_and_other_versions_rely_on() -> None:
    run = RunDir(Path("a"))
    assert run.config == Path("a/config.json")
    assert run.metrics == Path("a/metrics.jsonl")
    assert run.weights == Path("a/weights/model.safetensors")
    assert run.state == Path("a/state")
    assert run.previews == Path("a/previews")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "a")
    assert not run.weights.exists()
    assert not run.path.exists()
