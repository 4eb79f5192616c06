"""Which mask belongs to which scan, by the start of their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hagan.data.formats import stem_of
from hagan.data.scans import Fault, Scan, find_scans


def starts_with(name: str, start: str) -> bool:
    """Tell whether a name begins with another one that ends at a boundary.

    Args:
        name: Such as ``sub-10_T1w``.
        start: Such as ``sub-10``; ``sub-1`` is no start of it, as that would cut a number.

    Returns:
        True for a start that cuts neither a number nor a word.
    """
    if not start or not name.startswith(start):
        return False
    if len(name) == len(start):
        return True
    around = name[len(start) - 1 : len(start) + 1]
    return not (around.isdigit() or around.isalpha())


def match_masks(scans: Sequence[Scan], masks: Path) -> dict[str, Scan | Fault]:
    """Give each scan its mask by the start of the file name.

    A mask belongs to the scan with the longest name that its own name starts with; a scan without
    one takes the only mask whose name starts with the scan's subject.

    Args:
        scans: The scans.
        masks: Folder of masks.

    Returns:
        By name of the scan: its mask, or the fault E121.

    Raises:
        BadInputError: The folder holds no mask.
    """
    found = [mask for mask in find_scans(masks) if mask.fault is None]
    owned: dict[str, list[Scan]] = {scan.name: [] for scan in scans}
    for mask in found:
        stem = stem_of(mask.path)
        owners = [scan for scan in scans if starts_with(stem, stem_of(scan.path))]
        longest = max((len(stem_of(scan.path)) for scan in owners), default=0)
        for scan in owners:
            if len(stem_of(scan.path)) == longest:
                owned[scan.name].append(mask)
    return {scan.name: _one_mask(scan, owned[scan.name], found, masks) for scan in scans}


def _one_mask(scan: Scan, own: Sequence[Scan], found: Sequence[Scan], masks: Path) -> Scan | Fault:
    candidates = own or [mask for mask in found if starts_with(stem_of(mask.path), scan.subject)]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        said = f"no mask in {masks} has a name that starts with {stem_of(scan.path)}"
    else:
        said = f"{candidates[0].name} and {candidates[1].name} both match; keep one"
    return Fault("E121", f"E121 {scan.name}: {said}")
