"""The extractors and the classifier that an evaluation uses: those asked for, or all at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.cli.evaluate import Evaluate
    from hagan.evaluation.bench import Instruments
    from hagan.evaluation.measure import Measure

NAMES = ("random-resnet10", "astra-grid", "astra", "med3d")

SCALED = (-1000.0, 200.0)
"""For intensities that are no Hounsfield units: the window that gives a CT network 0 to 1."""


def instruments(flags: Evaluate, window: tuple[float, float] | None) -> Instruments:
    """Extractors, the classifier of planes if there is one, and the cache.

    Args:
        flags: The command line.
        window: Hounsfield units of -1 and 1; None where intensities are no Hounsfield units.

    Raises:
        UsageError: An extractor is not known or not at hand.
    """
    from hagan.cli.train import pick_device
    from hagan.evaluation.bench import Instruments
    from hagan.evaluation.measuring import Cache, default_cache

    folder = (flags.cache or default_cache()) if flags.keep else None
    device = pick_device(flags.device)
    return Instruments(
        extractors(flags, window, device), planes(flags.inception, device), Cache(folder)
    )


def extractors(flags: Evaluate, window: tuple[float, float] | None, device: str) -> list[Measure]:
    """The extractors by name; see `instruments`."""
    from hagan.evaluation.extractors import (
        AstraInput,
        astra,
        has_astra,
        med3d,
        random_resnet10_extractor,
    )

    names = flags.extractors
    if names == ("auto",):
        if flags.preset == "ha-gan":
            names = ("med3d",)
        else:
            names = (
                "random-resnet10",
                *(("astra-grid",) if has_astra() else ()),
                *(("med3d",) if flags.med3d else ()),
            )
    chosen: list[Measure] = []
    for name in dict.fromkeys(names):
        if name == "random-resnet10":
            chosen.append(random_resnet10_extractor(device))
        elif name in ("astra", "astra-grid"):
            own_input: AstraInput = "authors" if name == "astra" else "grid"
            chosen.append(astra(window or SCALED, own_input, device))
        elif name == "med3d":
            if flags.med3d is None:
                raise UsageError(
                    "med3d needs a weights file of MedicalNet: give --med3d resnet_50.pth"
                )
            chosen.append(med3d(flags.med3d, flags.normalisation, device))
        else:
            raise UsageError(f"no extractor is called {name!r}; there are {', '.join(NAMES)}")
    return chosen


def planes(inception: Path | None, device: str) -> Measure | None:
    """The user's Inception v3, else the packaged classifier, else none."""
    from hagan.evaluation.inception_score import (
        has_imagenet_classifier,
        imagenet_classifier,
        inception_classifier,
    )

    if inception is not None:
        return inception_classifier(inception, device)
    return imagenet_classifier(device) if has_imagenet_classifier() else None
