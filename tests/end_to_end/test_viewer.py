"""The viewer in a real browser: a served folder, a real process, headless Chromium.

Every journey fails on an error in the console, on an answer that is one, and on any request that
leaves this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.made import make_shelf
from inference.conftest import run, store

__all__ = ["run", "store"]

CHROMIUM = next((p for n in ("chromium", "chromium-browser") if (p := shutil.which(n))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM ABSENT: the viewer was not looked at"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
READY = "body[data-ready]"
QUIET = (
    *("GPU stall", "Automatic fallback to software WebGL"),
    "the document's frame is sandboxed",
    "status of 422",
)
"""What Chromium says of its own rendering, of the script that a report tried to run in its sandbox,
and of the thumbnail that a damaged scan has not."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    return make_shelf(tmp_path_factory.mktemp("served") / "shelf", run)


@pytest.fixture(scope="module")
def address(shelf: Path) -> Iterator[str]:
    """A server as a user starts it; ended as a user ends it."""
    command = [sys.executable, "-m", "hagan", "serve", str(shelf), "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    def interruptible() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=interruptible
    )
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "Ctrl-C" in line:
            break
    assert "1 runs, 11 volumes, 1 directions, 1 reports" in told
    yield re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)[0]
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0, rest
    assert "stopped" in rest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The first page, let in; what goes wrong anywhere on the way fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    made = context.new_page()
    wrong: list[str] = []

    def heard(message: Any) -> None:
        if message.type in ("error", "warning") and not any(q in message.text for q in QUIET):
            wrong.append(message.text)

    def asked(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            wrong.append(f"left this machine: {request.url}")

    made.on("console", heard)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("request", asked)
    made.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if is_fault(r) else None)
    made.goto(address)
    made.wait_for_selector(READY)
    assert "token" not in made.url
    yield made
    context.close()
    assert wrong == []


def is_fault(answer: Any) -> bool:
    return bool(answer.status >= 400 and not (answer.status == 422 and "/thumbs/" in answer.url))


def told(page: Any) -> str:
    return str(page.inner_text("body"))


def until(page: Any, pattern: str) -> re.Match[str]:
    """Wait until the page says something."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.body.innerText)", arg=pattern, timeout=60_000
    )
    found = re.search(pattern, told(page))
    assert found is not None
    return found


def test_from_the_first_page_to_a_run_and_its_losses(page: Any) -> None:
    assert "not for clinical use" in told(page)
    page.get_by_role("link", name="run", exact=True).first.click()
    page.wait_for_selector(READY)
    until(page, r"fake 0\.333")
    assert page.locator("svg, canvas").count() >= 1


def view_of(page: Any, name: str, *, flat: bool = False) -> None:
    """Open the viewer on a collection's first volume."""
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    (found,) = (one for one in home["collections"] if one["name"] == name)
    base = page.url.split("/", 3)[:3]
    query = f"?v={found['id']}:{found['first'][0]}" + ("&flat" if flat else "")
    page.goto("/".join(base) + "/view" + query)
    page.wait_for_selector(READY, timeout=60_000)


def test_keys_move_slices_and_choose_windows(page: Any) -> None:
    view_of(page, "scans/series")
    before = int(until(page, r"axial (\d+)/12")[1])
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    assert int(until(page, rf"axial ({before + 1})/12")[1]) == before + 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    until(page, rf"axial {before - 1}/12")
    assert re.search(r"-?\d+ HU", told(page))
    wide = page.screenshot()
    page.keyboard.press("1")
    page.wait_for_timeout(400)
    assert page.screenshot() != wide


def test_slices_are_shown_without_webgl(page: Any) -> None:
    view_of(page, "scans/series", flat=True)
    assert "Slices are shown as pictures" in told(page)
    images = page.locator(".panels img")
    assert images.count() == 3
    pictures = "[...document.querySelectorAll('.panels img')]"
    page.wait_for_function(f"{pictures}.every(i => i.complete && i.naturalWidth > 99)")
    before = int(until(page, r"axial (\d+) of 12")[1])
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    until(page, rf"axial {before + 1} of 12")


def test_a_damaged_scan_says_why(page: Any, shelf: Path) -> None:
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    (found,) = (one for one in home["collections"] if one["name"] == "scans")
    about = page.evaluate(f"fetch('/api/collections/{found['id']}').then(r => r.json())")
    (bad,) = (one["id"] for one in about["volumes"] if one["name"] == "bad")
    base = "/".join(page.url.split("/", 3)[:3])
    page.goto(f"{base}/view?v={found['id']}:{bad}")
    until(page, r"E102 bad")


def test_a_slider_makes_a_new_volume(page: Any) -> None:
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    base = "/".join(page.url.split("/", 3)[:3])
    page.goto(f"{base}/latent/{home['runs'][0]['id']}")
    page.wait_for_selector(READY, timeout=60_000)
    until(page, r"made in|as drawn")
    slider = page.locator("input[type=range]").first
    slider.evaluate("e => { e.value = e.max; e.dispatchEvent(new Event('input')) }")
    until(page, r"moved\s+lung \d+")


def test_a_report_is_shown(page: Any) -> None:
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    base = "/".join(page.url.split("/", 3)[:3])
    page.goto(f"{base}/report/{home['reports'][0]['id']}")
    page.wait_for_selector(READY)
    assert page.frame_locator("iframe").locator("h1").inner_text() == "Figures"
