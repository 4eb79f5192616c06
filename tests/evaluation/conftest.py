"""The real scans beside the project, for regions."""

from __future__ import annotations

from data.conftest import real_data

__all__ = ["real_data"]
