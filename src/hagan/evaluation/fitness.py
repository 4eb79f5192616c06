"""Which extractors may lead a headline: what the planted-fault suite found, kept with the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from hagan.evaluation.measure import Fact
from hagan.evaluation.measuring import digest

FITNESS = "fitness.json"
"""Beside this module; `hagan evaluate --self-test` writes such a table."""

CHANGES_NOTHING = ("window_low", "window_high")
"""Facts of a definition that differ between data, not between extractors."""


def extractor_key(definition: Mapping[str, Fact]) -> str:
    """What a self-test's verdict holds for: an extractor with its weights and its input."""
    facts = {name: fact for name, fact in definition.items() if name not in CHANGES_NOTHING}
    if str(facts.get("weights", "")).startswith("random"):
        # Their last bits may differ between processors; the seed says which they are.
        facts.pop("weights_sha256")
    return digest(facts)[:16]


def fitness_of(definition: Mapping[str, Fact]) -> str | None:
    """Why an extractor may lead no headline; None if it noticed every fault it must.

    Args:
        definition: Of the extractor.
    """
    found = _table().get(extractor_key(definition))
    if found is None:
        return "never put to the planted-fault suite; run hagan evaluate --self-test with it"
    missed = found["missed"]
    if not missed:
        return None
    return (
        f"in the planted-fault suite on phantoms (n = {found['count']}, side {found['side']}) its "
        f"Frechet distance did not notice {', '.join(missed)}; read seams and sharpness beside it"
    )


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files("hagan.evaluation").joinpath(FITNESS).read_text("utf-8")
    table: dict[str, dict[str, Any]] = json.loads(text)
    return table
