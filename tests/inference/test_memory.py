"""Free memory: of this machine, and as Linux lays it out for jobs and containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from hagan.inference.memory import free_memory

MIB = 2**20


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with 1000 MiB available and no limit on anything."""
    text = (
        f"MemTotal:       9999999 kB\nMemAvailable:   {1000 * 1024} kB\nHugePages_Total:       0\n"
    )
    put(tmp_path, "proc/meminfo", text)
    return tmp_path


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="this system has no /proc/meminfo")
def test_of_this_machine_it_is_some_and_less_than_there_is() -> None:
    free = free_memory()
    assert free is not None
    assert 0 < free < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_without_limits_it_is_what_is_available(root: Path) -> None:
    assert free_memory("cpu", root) == 1000 * MIB


def test_a_system_that_does_not_tell_is_unknown(tmp_path: Path) -> None:
    assert free_memory("cpu", tmp_path) is None
    put(tmp_path, "proc/meminfo", "MemTotal: 5 kB\n")
    assert free_memory("cpu", tmp_path) is None


def test_the_narrowest_limit_around_the_process_counts(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/user.slice/job-7/step\n")
    group = "sys/fs/cgroup/user.slice"
    put(root, f"{group}/job-7/step/memory.max", "max\n")
    put(root, f"{group}/job-7/step/memory.current", f"{10 * MIB}\n")
    assert free_memory("cpu", root) == 1000 * MIB
    put(root, f"{group}/memory.max", f"{700 * MIB}\n")
    put(root, f"{group}/memory.current", f"{100 * MIB}\n")
    assert free_memory("cpu", root) == 600 * MIB
    put(root, f"{group}/job-7/memory.max", f"{300 * MIB}\n")
    put(root, f"{group}/job-7/memory.current", f"{250 * MIB}\n")
    assert free_memory("cpu", root) == 50 * MIB
    # A file that was read lies in memory only until somebody needs the room.
    put(root, f"{group}/job-7/memory.stat", f"anon 5\ninactive_file {90 * MIB}\n")
    assert free_memory("cpu", root) == 140 * MIB
    put(root, f"{group}/job-7/memory.max", f"{100 * MIB}\n")
    assert free_memory("cpu", root) == 0


def test_a_container_sees_its_own_group_at_the_top(root: Path) -> None:
    put(root, "proc/self/cgroup", "0::/docker/0123abcd\n")
    put(root, "sys/fs/cgroup/memory.max", f"{64 * MIB}\n")
    put(root, "sys/fs/cgroup/memory.current", f"{4 * MIB}\n")
    assert free_memory("cpu", root) == 60 * MIB


def test_the_first_version_of_control_groups(root: Path) -> None:
    lines = "9:name=systemd:/\n5:cpu,cpuacct:/slow\n4:memory:/slurm/uid_1/job_2\n0::/\n"
    put(root, "proc/self/cgroup", lines)
    top = "sys/fs/cgroup/memory"
    put(root, f"{top}/memory.limit_in_bytes", f"{2**63 - 4096}\n")
    put(root, f"{top}/memory.usage_in_bytes", f"{5 * MIB}\n")
    assert free_memory("cpu", root) == 1000 * MIB
    put(root, f"{top}/slurm/uid_1/job_2/memory.limit_in_bytes", f"{80 * MIB}\n")
    put(root, f"{top}/slurm/uid_1/job_2/memory.usage_in_bytes", f"{50 * MIB}\n")
    put(root, f"{top}/slurm/uid_1/job_2/memory.stat", f"total_inactive_file {20 * MIB}\n")
    assert free_memory("cpu", root) == 50 * MIB


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_of_a_gpu_it_is_what_the_driver_has_left() -> None:
    before = free_memory("cuda")
    held = torch.ones(200 * MIB // 4, device="cuda")
    after = free_memory("cuda")
    assert before is not None
    assert after is not None
    assert before - after == pytest.approx(held.nbytes, rel=0.3)
    del held
    assert free_memory("cuda") > after
