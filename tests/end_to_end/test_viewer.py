"""The viewer in a real browser: a served folder, a real process, headless Chromium.

Every journey fails on an error in the console, on an answer that is one, and on any request that
leaves this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
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
MOST_MS = 90_000
"""How long anything may take: without a graphics card, beside other tests."""
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
    made.set_default_timeout(MOST_MS)
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
    script = "pattern => new RegExp(pattern).test(document.body.innerText)"
    page.wait_for_function(script, arg=pattern)
    found = re.search(pattern, told(page))
    assert found is not None
    return found


def test_from_the_first_page_to_a_run_and_its_losses(page: Any) -> None:
    assert "not for clinical use" in told(page)
    page.get_by_role("link", name="run", exact=True).first.click()
    page.wait_for_selector(READY)
    until(page, r"fake 0\.333")
    assert page.locator("svg, canvas").count() >= 1


def test_losses_grow_as_the_run_trains(page: Any, shelf: Path) -> None:
    page.get_by_role("link", name="run", exact=True).first.click()
    until(page, r"fake 0\.333")
    log = shelf / "run" / "metrics.jsonl"
    before = log.read_text()
    try:
        line = json.dumps({"step": 40, "generator/fake": 0.125, "critic/real": 1.0})
        log.write_text(f"{before}{line}\n")
        until(page, r"fake 0\.125")
    finally:
        log.write_text(before)


def view_of(page: Any, *names: str, flat: bool = False) -> None:
    """Open the viewer on the first volumes of collections."""
    home = page.evaluate("fetch('/api/home').then(r => r.json())")
    found = {one["name"]: f"{one['id']}:{one['first'][0]}" for one in home["collections"]}
    base = page.url.split("/", 3)[:3]
    query = "?v=" + ",".join(found[name] for name in names) + ("&flat" if flat else "")
    page.goto("/".join(base) + "/view" + query)
    page.wait_for_selector(READY)


def looks_different(page: Any, before: bytes) -> bool:
    """Whether what is drawn becomes another picture."""
    end = time.monotonic() + MOST_MS / 1000
    while page.screenshot() == before:
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(100)
    return True


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
    assert looks_different(page, wide)


def test_volumes_side_by_side_share_their_crosshair(page: Any) -> None:
    view_of(page, "store", "new")
    slices = "Array.from(document.querySelectorAll('.panel .read'), e => e.innerText)"
    until(page, r"axial \d+/32[\s\S]*axial \d+/32")
    badges = page.eval_on_selector_all(".panel .badge", "all => all.map(one => one.innerText)")
    assert badges == ["real", "fake"]
    before = [int(re.search(r"axial (\d+)/", text)[1]) for text in page.evaluate(slices)]
    page.keyboard.press("ArrowUp")
    until(page, rf"axial {before[0] + 1}/32[\s\S]*axial {before[1] + 1}/32")


def test_slices_are_shown_without_webgl(page: Any) -> None:
    view_of(page, "scans/series", flat=True)
    until(page, "Slices are shown as pictures")
    pictures = "[...document.querySelectorAll('.panels img')]"
    page.wait_for_function(
        f"{pictures}.length === 3 && {pictures}.every(i => i.complete && i.naturalWidth > 99)"
    )
    assert page.locator(".panels img").count() == 3
    before = int(until(page, r"axial (\d+) of 12")[1])
    page.keyboard.press("a")
    for count in (1, 2, 3):
        page.keyboard.press("ArrowUp")
        until(page, rf"axial {before + count} of 12")


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
    page.wait_for_selector(READY)
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
