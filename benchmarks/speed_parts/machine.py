"""Where, with what and of which state of the project figures are."""

from __future__ import annotations

import os
import platform
import resource
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import torch

from hagan import __version__
from speed_parts.settings import Settings

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")
"""That decide which kernels a CPU takes."""


def facts(settings: Settings, arguments: list[str]) -> dict[str, object]:
    """What a reader needs to compare the figures with others."""
    found: dict[str, object] = {
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/speed.py", *arguments]),
        "commit": commit(),
        "CPU": cpu(),
        "cores": os.cpu_count() or 0,
        "threads": settings.threads,
        "load at the start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else "",
        "memory GiB": _memory(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "hagan": __version__,
    }
    if settings.torch_device.type == "cuda":
        found |= {
            "GPU": torch.cuda.get_device_name(settings.torch_device),
            "CUDA": torch.version.cuda or "",
            "cuDNN": torch.backends.cudnn.version() or "",  # type: ignore[no-untyped-call]
            "TF32 by default": f"convolutions {torch.backends.cudnn.allow_tf32}, "
            f"matrix products {torch.backends.cuda.matmul.allow_tf32}",
        }
    return found


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process held at once: resident, or on the GPU by torch's count."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    if status.is_file():
        # Not ru_maxrss: there a process begins with the peak of the one that started it.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def commit() -> str:
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        call = ["git", "-C", str(root), *arguments]
        try:
            return subprocess.run(call, capture_output=True, text=True, check=False).stdout.strip()
        except FileNotFoundError:
            return ""

    commit = git("rev-parse", "HEAD")
    if not commit:
        return "unknown"
    return commit + (" and uncommitted changes" if git("status", "--porcelain") else "")


def cpu() -> str:
    name, flags = platform.processor() or platform.machine(), set[str]()
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            if key.strip() in ("flags", "Features"):
                flags = set(value.split())
    kept = [flag for flag in FLAGS if flag in flags]
    return f"{name} ({', '.join(kept) or 'flags unknown'})"


def _memory() -> float | str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return round(size / 2**30, 1)
