"""Where and with what figures are measured, and how much memory this process holds."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import torch

from hagan import __version__

STATUS = Path("/proc/self/status")


def facts(device: str, threads: int) -> dict[str, str | int | float]:
    """What a reader needs to compare the figures with others.

    Args:
        device: `cpu` or `cuda`; the GPU is named where it is there.
        threads: That CPU operations are spread over.
    """
    found: dict[str, str | int | float] = {
        "device": device,
        "CPU": processor(),
        "cores": os.cpu_count() or 0,
        "threads": threads,
        "memory (GiB)": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "hagan": __version__,
    }
    if hasattr(os, "getloadavg"):
        found["load at the start"] = round(os.getloadavg()[0], 2)
    if device == "cuda" and torch.cuda.is_available():
        found["GPU"] = torch.cuda.get_device_name()
        found["CUDA"] = torch.version.cuda or ""
    return found


def processor() -> str:
    """The CPU's name as the system gives it."""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def resident(status: Path = STATUS) -> int | None:
    """Bytes of this process that are in memory now; None where the system does not tell."""
    return _field("VmRSS", status)


def resident_peak(status: Path = STATUS) -> int | None:
    """Most bytes of this process that were in memory at once; None where that is not told.

    It is Linux's own count of the program that runs: what `getrusage` gives begins with the peak
    of the process that started it.
    """
    return _field("VmHWM", status)


def address_space(status: Path = STATUS) -> int | None:
    """Bytes of addresses that this process has asked for; None where the system does not tell."""
    return _field("VmSize", status)


def _field(name: str, status: Path) -> int | None:
    if not status.is_file():
        return None
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return None


def _memory() -> float | str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return round(size / 2**30, 1)
