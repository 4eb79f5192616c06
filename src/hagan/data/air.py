"""Air-density correction of thorax CT: scanners drift, and air tells by how much.

Paper IV-A says that it was applied to COPDGene. The number of water is 0 by definition of the scale
and that of air -1000; a scanner that shows air at another number stretches all between them.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from hagan.data.volume import Volume
from hagan.errors import ScanError

AIR_HU = -1000.0
"""Of air, by definition."""

CREDIBLE_HU = (-1100.0, -850.0)
"""What can have been measured of air in a trachea."""


def check_air(air_hu: float | None, column: str, name: str) -> None:
    """Refuse a scan whose air was not measured, or is none.

    Args:
        air_hu: What the table says, or None.
        column: Where it says so.
        name: What the error text calls the scan.

    Raises:
        ScanError: E127.
    """
    if air_hu is None:
        raise ScanError("E127", f"{name}: the table has no number in {column} for it")
    low, high = CREDIBLE_HU
    if not low <= air_hu <= high:
        raise ScanError("E127", f"{name}: {column} is {air_hu:g}; air has {low:g} to {high:g} HU")


def air_corrected(scan: Volume, air_hu: float) -> Volume:
    """Scale Hounsfield units so that what was measured of air becomes -1000; 0 stays.

    Args:
        scan: A CT in Hounsfield units.
        air_hu: The measured number of air, such as -985.

    Returns:
        The scan with new values; the window of the protocol clips what falls below it.
    """
    return dataclasses.replace(scan, voxels=scan.voxels * np.float32(AIR_HU / air_hu))
