"""The stores and untrained runs of inference's tests, for the commands."""

from __future__ import annotations

from inference.conftest import (
    labelled_run,
    labelled_store,
    mr_run,
    mr_store,
    other_run,
    run,
    run_without_encoder,
    store,
)

__all__ = [
    "labelled_run",
    "labelled_store",
    "mr_run",
    "mr_store",
    "other_run",
    "run",
    "run_without_encoder",
    "store",
]
