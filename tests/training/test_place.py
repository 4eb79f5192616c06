"""Processes find their place in the environment, and know who speaks for all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hagan.errors import UsageError
from hagan.training.place import Place, place_of, speaks

MEETING = {"MASTER_ADDR": "node1", "MASTER_PORT": "29400"}
TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
SLURM = {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0"}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        (TORCHRUN | MEETING, Place(3, 4, 1, "node1", 29400)),
        (SLURM | MEETING, Place(1, 2, 0, "node1", 29400)),
        (SLURM | TORCHRUN | MEETING, Place(3, 4, 1, "node1", 29400)),
        ({}, None),
        ({"SLURM_NTASKS": "4"}, None),
        (TORCHRUN | MEETING | {"RANK": "0", "WORLD_SIZE": "1"}, None),
        (SLURM | {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, None),
    ],
)
def test_place_is_read_from_the_environment(
    environment: dict[str, str], place: Place | None
) -> None:
    assert place_of(environment) == place


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        (SLURM, "MASTER_ADDR and MASTER_PORT do not say where they meet"),
        (TORCHRUN | {"MASTER_ADDR": "a"}, "MASTER_PORT"),
        (TORCHRUN | MEETING | {"RANK": "4"}, "RANK=4 must be from 0"),
        (TORCHRUN | MEETING | {"WORLD_SIZE": "x"}, "WORLD_SIZE='x' must be a number"),
        ({"RANK": "0", "WORLD_SIZE": "2"} | MEETING, "LOCAL_RANK='' must be a number"),
    ],
)
def test_half_a_place_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        place_of(environment)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, True),
        (TORCHRUN | MEETING, False),
        (TORCHRUN | MEETING | {"RANK": "0"}, True),
        (SLURM | MEETING, False),
        (SLURM | MEETING | {"SLURM_PROCID": "0"}, True),
        # Half a place: somebody has to say so.
        (SLURM, False),
        (SLURM | {"SLURM_PROCID": "0"}, True),
        (TORCHRUN | {"RANK": "0"}, True),
    ],
)
def test_one_process_speaks_for_all(environment: dict[str, str], first: bool) -> None:
    assert speaks(environment) is first


def test_the_place_is_known_before_anything_heavy_is_loaded() -> None:
    code = "import sys, hagan.training.place; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
