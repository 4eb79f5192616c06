"""What the pages are told of the things that were found, as plain JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hagan import __version__
from hagan.app.found import Collection, FoundRun
from hagan.app.latent import facts_of
from hagan.app.library import Library
from hagan.app.volumes import one_line
from hagan.config.run_dir import RunDir
from hagan.errors import HaganError

PREVIEWS = 60
"""The newest; a long run has thousands."""


def shelf_page(library: Library) -> dict[str, Any]:
    """Everything that was found, for the first page."""
    found = library.findings
    return {
        "name": library.root.only.name if library.root.only else library.root.path.name,
        "version": __version__,
        "truncated": found.truncated,
        "runs": [_run(library, run) for run in found.runs],
        "collections": [_collection(one) for one in found.collections],
        "directions": [{"id": one.id, "name": one.name} for one in found.directions],
        "reports": [
            {"id": one.id, "name": one.name, "page": one.page is not None} for one in found.reports
        ],
    }


def run_page(library: Library, run: FoundRun) -> dict[str, Any]:
    """A run with the previews that it has."""
    folder = RunDir(run.path).previews
    previews = sorted(path.name for path in folder.glob("*.png") if library.root.holds(path))
    return _run(library, run) | {"previews": previews[-PREVIEWS:]}


def collection_page(found: Collection) -> dict[str, Any]:
    """A collection with its volumes, none of which is read for it."""
    return _collection(found) | {
        "volumes": [
            {"id": one.id, "name": one.name, "provenance": one.provenance, "note": one.note}
            for one in found.volumes
        ]
    }


def _collection(found: Collection) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "count": len(found.volumes),
        "counts": dict(Counter(one.provenance for one in found.volumes)),
        "first": [one.id for one in found.volumes[:1]],
        "fault": found.fault,
    }


def _run(library: Library, run: FoundRun) -> dict[str, Any]:
    about: dict[str, Any] = {"id": run.id, "name": run.name}
    files = RunDir(run.path)
    weights = files.weights if run.path.is_dir() else run.path
    about["trained"] = weights.is_file() and library.root.holds(weights)
    try:
        if about["trained"]:
            about |= facts_of(weights)
        if run.path.is_dir():
            about |= _config(library, files)
    except HaganError as error:
        about["error"] = one_line(error)
    return about


def _config(library: Library, files: RunDir) -> dict[str, Any]:
    """What config.json tells, as far as it tells it; damage is no reason to show no losses."""
    try:
        content = json.loads(library.root.checked(files.config).read_text("utf-8"))
        return {
            "recipe": str(content["name"]),
            "steps": int(content["training"]["steps"]),
            "shape": [int(size) for size in content["model"]["volume_shape"]],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
