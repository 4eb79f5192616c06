"""How long the viewer takes to show a CT of 256 cubed, in Chromium without a graphics card.

    python benchmarks/viewer_load.py OUT

A ball of noise in Hounsfield units is written as NIfTI and served; the clock runs from the request
for its page to when its planes are drawn. Needs the extra `web`, playwright and Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from speed_parts.machine import commit, cpu

from hagan.data.nifti import write_nifti
from hagan.data.volume import Volume

SIDE = 256
MOST_MS = 180_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    scans = out / "scans"
    scans.mkdir(parents=True, exist_ok=True)
    write_nifti(ball(), scans / "ball.nii.gz")
    server, address = serve(scans)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.set_default_timeout(MOST_MS)
            page.goto(address)
            page.wait_for_selector("body[data-ready]")
            seconds = measured(page, out)
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
    print(json.dumps({"seconds": seconds, "commit": commit(), "CPU": cpu()}, indent=1))


def ball() -> Volume:
    """Soft tissue in air."""
    axes = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 3, indexing="ij")
    inside = np.square(axes).sum(axis=0) < 0.7
    noise = 40 + 60 * np.random.default_rng(0).standard_normal(inside.shape)
    voxels = np.where(inside, np.round(noise), -1000).astype(np.float32)
    return Volume(voxels, np.eye(4), "ct")


def serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The viewer in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hagan", "serve", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"http://\S+token=\S+", told)
    assert found is not None, told
    return process, found[0]


def measured(page: Page, out: Path) -> dict[str, float]:
    """Seconds by what was waited for; leaves a picture of the page."""
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    (found,) = home["collections"]
    address = f"/view?v={found['id']}:{found['first'][0]}"
    base = "/".join(page.url.split("/", 3)[:3])
    seconds = {}
    for name in ("first time", "again"):
        began = time.perf_counter()
        page.goto(base + address)
        page.wait_for_selector("body[data-ready]")
        page.wait_for_function("document.querySelector('.panel .read').innerText.includes('axial')")
        seconds[name] = round(time.perf_counter() - began, 2)
    page.screenshot(path=out / "page.png")
    began = time.perf_counter()
    page.goto(f"{base}{address}&flat")
    page.wait_for_selector("body[data-ready]")
    pictures = "[...document.querySelectorAll('.panels img')]"
    page.wait_for_function(f"{pictures}.every(i => i.complete && i.naturalWidth > 99)")
    seconds["as pictures"] = round(time.perf_counter() - began, 2)
    return seconds


if __name__ == "__main__":
    main()
