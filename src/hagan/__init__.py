"""hagan: hierarchical amortized GANs for 3D medical images (Sun et al., JBHI 2022)."""

from __future__ import annotations

__version__ = "0.1.0"
