"""Whole heads to brains: processor seconds a step, and the fit to brains that were given.

    python benchmarks/brain_chain.py DATA [--heads 5] [--threads 1]

DATA holds `brain_t1/ixi_2mm` (whole heads) with `brain_labels/ixi_2mm_dlmuse` (above 0 is brain),
`brain_t1/open_ms_raw` (whole heads without labels) and `brain_t1/oasis_trt_1mm` (brains without a
skull). The first subjects by name are taken. Prints Markdown tables.

"Spread" is the interquartile range of what the template calls white matter, in % of its median: it
falls as shading goes. "Overlap" is the Dice of the registered brain with the template's.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch

from hagan.config.data import PrepareConfig
from hagan.data.brain_extraction import load_networks
from hagan.data.formats import read_scan
from hagan.data.head import brain_of_head
from hagan.data.morphology import Mask, dice
from hagan.data.protocols import prepare_volume
from hagan.data.registration import resample
from hagan.data.step_picture import Step
from hagan.data.template import mni152
from hagan.data.volume import Volume
from hagan.errors import ScanError

HEADER = (
    *("scan", "find s", "shading s", "register s", "all s", "Dice with the given", "ml", "given"),
    *("overlap", "correlation", "white median", "spread before", "spread after"),
)


def spread(volume: Volume, to_scanner: np.ndarray) -> float:
    """Spread in % of the white matter of a volume in its scanner's space."""
    template = mni152()
    there = resample(volume, to_scanner, template.brain).voxels[template.white_matter]
    low, middle, high = np.quantile(there, (0.25, 0.5, 0.75))
    return float(100 * (high - low) / middle)


def measured(path: Path, given: Mask | None, *, search: bool = True) -> list[str]:
    """One row of the table; without a search the given mask is the brain."""
    head = read_scan(path)
    clock = [time.process_time()]
    seconds: list[str] = []

    def lap(step: Step) -> None:
        clock.append(time.process_time())
        if step.label != "template":
            seconds.append(f"{clock[-1] - clock[-2]:.1f}")

    try:
        found = brain_of_head(head, None if search else given, watch=lap)
    except ScanError as error:
        return [path.name, *seconds, str(error)]
    whole = time.process_time() - clock[0]
    ml = float(np.prod(head.spacing)) / 1000
    fit = ("", "")
    if given is not None:
        fit = (f"{dice(found.mask, given):.4f}", f"{given.sum() * ml:.0f}")
    white = np.median(found.brain.voxels[mni152().white_matter])
    fitted = found.registration
    return [
        *(path.name, *seconds, f"{whole:.1f}", fit[0], f"{found.mask.sum() * ml:.0f}", fit[1]),
        *(f"{fitted.overlap:.3f}", f"{fitted.correlation:.3f}", f"{white:.0f}"),
        f"{spread(head, fitted.to_scanner):.1f}",
        f"{spread(found.corrected, fitted.to_scanner):.1f}",
    ]


def row(cells: list[str] | tuple[str, ...]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def table(title: str) -> None:
    print(f"\n{title}\n")
    row(HEADER)
    row(["---"] * len(HEADER))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    brains, labels = given.data / "brain_t1", given.data / "brain_labels" / "ixi_2mm_dlmuse"
    load_networks()
    mni152()

    table("Whole heads with labels (IXI, 2 mm):")
    for path in sorted((brains / "ixi_2mm").glob("*.nii.gz"))[: given.heads]:
        label = labels / path.name.replace("_T1", "_T1_DLMUSE")
        row(measured(path, read_scan(label).voxels > 0))
    table("Whole heads without labels (MS patients, slices of 3 mm):")
    for path in sorted((brains / "open_ms_raw").glob("*.nii.gz")):
        row(measured(path, None))
    stripped = sorted((brains / "oasis_trt_1mm").glob("*.nii.gz"))
    table("Brains that have no skull (OASIS, 1 mm), searched all the same:")
    for path in stripped:
        row(measured(path, read_scan(path).voxels > 0))
    table("The same brains with what is above 0 as their mask:")
    for path in stripped:
        row(measured(path, read_scan(path).voxels > 0, search=False))
    print("\nThe same brains as they are, without --from-head:\n")
    config = PrepareConfig(protocol="brain-t1", volume_shape=(64, 64, 64))
    for path in stripped:
        started = time.process_time()
        array, placement = prepare_volume(read_scan(path), config)
        took = time.process_time() - started
        print(
            f"- {path.name}: {took:.1f} s, {np.mean(array > -1):.1%} of the grid are brain, "
            f"no registration: {placement.to_scanner is None}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nLargest resident memory {peak:.2f} GiB, torch with {given.threads} thread(s).")


if __name__ == "__main__":
    main()
