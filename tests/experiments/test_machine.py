"""Facts of the machine and of this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hagan.experiments.machine import address_space, facts, resident, resident_peak

CODE = """
from hagan.experiments.machine import address_space, resident, resident_peak
import torch
before, addresses = resident(), address_space()
block = torch.ones(25 * 2**20)
held = resident()
assert address_space() - addresses > 90 * 2**20
del block
print(before, held, resident(), resident_peak())
"""


def test_facts_name_what_figures_depend_on() -> None:
    found = facts("cpu", 3)
    assert found["device"] == "cpu"
    assert found["threads"] == 3
    assert found["torch"] == torch.__version__
    assert found["CPU"]
    assert "GPU" not in found
    assert not any("commit" in name for name in found)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux tells it")
def test_the_peak_outlives_what_made_it() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    before, held, after, peak = (int(word) / 2**20 for word in done.stdout.split())
    assert held - before == pytest.approx(100, abs=10)
    assert after - before < 30
    assert peak == pytest.approx(held, abs=10)


def test_the_systems_lines_are_read(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmSize:\t  40 kB\nVmHWM:\t   30 kB\nVmRSS:\t   20 kB\n")
    assert (resident(status), resident_peak(status), address_space(status)) == (
        20 * 1024,
        30 * 1024,
        40 * 1024,
    )


def test_a_system_that_does_not_tell_gives_none(tmp_path: Path) -> None:
    assert resident(tmp_path / "status") is None
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert resident_peak(tmp_path / "status") is None
