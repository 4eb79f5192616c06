"""How much memory is free: of the machine, within the limits of control groups, or of a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import torch

UNLIMITED = 2**60
"""Control groups of the first version write a number beyond this where there is no limit."""


def free_memory(device: str | torch.device = "cpu", root: Path = Path("/")) -> int | None:
    """Bytes that can be had without swapping.

    On CUDA what the driver has left and what torch keeps unused; elsewhere what Linux calls
    available, or less where a control group (a container, a batch system's job) allows less.

    Args:
        device: Where the tensors are.
        root: Where `proc` and `sys` are mounted.

    Returns:
        Bytes, or None where the system does not tell, as on macOS and Windows.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free) + unused
    available = _fields(root / "proc" / "meminfo").get("MemAvailable")
    if available is None:
        return None
    return max(min([available * 1024, *_left_in_groups(root)]), 0)


def _left_in_groups(root: Path) -> Iterator[int]:
    """What each limit on this process leaves: of its control groups and of those around them."""
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, inside = line.split(":", 2)
        if controllers == "":
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Inside a container the path is the host's while the mount begins at the own group.
        path = PurePosixPath(inside.lstrip("/"))
        for group in (path, *path.parents):
            left = _left(mount / group, *names)
            if left is not None:
                yield left


def _left(group: Path, limit_name: str, usage_name: str, cache_name: str) -> int | None:
    """Limit less usage of one group; pages of files that nobody uses do not count as used."""
    limit, usage = _text(group / limit_name).strip(), _text(group / usage_name).strip()
    # "max" is no limit, and the root group has no such file.
    if not limit.isdecimal() or not usage.isdecimal() or int(limit) >= UNLIMITED:
        return None
    return int(limit) - int(usage) + _fields(group / "memory.stat").get(cache_name, 0)


def _fields(path: Path) -> dict[str, int]:
    """Names and first numbers of a file with one of each on a line."""
    pairs = (line.replace(":", " ").split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdecimal()}


def _text(path: Path) -> str:
    """A file's text, or nothing where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
