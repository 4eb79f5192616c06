"""Which slabs fit the memory, and volumes that wait on disk."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hagan.config.ha_gan import HAGANConfig
from hagan.data.formats import write_scan
from hagan.data.volume import Volume
from hagan.errors import DiskError
from hagan.inference.export import hash_of
from hagan.inference.stream import SHARE, depth_that_fits, slab_depth, spooled
from hagan.models.ha_gan import HAGAN
from inference.made import Copying

MIB = 2**20


@pytest.fixture(scope="module")
def model() -> HAGAN:
    return HAGAN(HAGANConfig(volume_shape=(64, 64, 64), width=8, latent_dim=16, encoder=False))


# Which slabs.


def test_never_is_the_whole_and_always_a_part(model: HAGAN) -> None:
    assert slab_depth(model, "never", free=0) == 64
    assert slab_depth(model, "always", free=2**50) == 32
    assert slab_depth(model, "always", free=None) == 32


def test_auto_streams_just_where_one_pass_does_not_fit(model: HAGAN) -> None:
    enough = int(model.slab_bytes(64) / SHARE) + 1
    assert slab_depth(model, "auto", free=enough) == 64
    assert slab_depth(model, "auto", free=enough - 8) == 32
    assert slab_depth(model, "auto", free=None) == 64


def test_less_memory_takes_thinner_slabs_and_never_none(model: HAGAN) -> None:
    depths = [
        slab_depth(model, "auto", free=int(model.slab_bytes(depth) / SHARE) + 1)
        for depth in (32, 16, 8, 4)
    ]
    assert depths == [32, 16, 8, 4]
    assert slab_depth(model, "auto", free=0) == 4
    assert slab_depth(model, "always", free=0) == 4


def test_a_model_that_makes_volumes_whole_is_left_to_do_so() -> None:
    assert slab_depth(Copying(), "auto", free=0) == 32


def test_a_small_volume_has_thin_slabs() -> None:
    small = HAGAN(HAGANConfig(volume_shape=(32, 32, 32), width=8, latent_dim=16, encoder=False))
    assert slab_depth(small, "always", free=None) == 16


def test_this_machine_holds_a_small_volume(model: HAGAN) -> None:
    assert depth_that_fits(model, "auto", "cpu") == 64
    assert depth_that_fits(model, "always", "cpu") == 32


# On disk.


def slabs_of(voxels: NDArray[np.float32], depth: int) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(voxels), depth):
        yield voxels[first : first + depth]


@pytest.fixture
def voxels() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 300, (20, 9, 7)).astype(np.float32)


@pytest.mark.parametrize("depth", [1, 8, 20])
def test_what_waits_on_disk_is_what_was_given(
    tmp_path: Path, voxels: NDArray[np.float32], depth: int
) -> None:
    folder = tmp_path / "new" / "folder"
    for given in (voxels, np.asfortranarray(voxels)):
        with spooled(slabs_of(given, depth), voxels.shape, folder) as (found, sha256):
            np.testing.assert_array_equal(found, voxels)
            assert isinstance(found, np.memmap)
            assert sha256 == hash_of(Volume(voxels, np.eye(4)))
            assert sha256 == hashlib.sha256(voxels.tobytes()).hexdigest()
            with pytest.raises(ValueError, match="read-only"):
                found[0] = 0
    assert list(folder.iterdir()) == []


def test_nothing_is_left_when_a_slab_cannot_be_made(tmp_path: Path) -> None:
    def failing() -> Iterator[NDArray[np.float32]]:
        yield np.zeros((4, 5, 6), np.float32)
        raise MemoryError

    with pytest.raises(MemoryError), spooled(failing(), (8, 5, 6), tmp_path):
        pytest.fail("an incomplete volume was handed out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(DiskError, match="a file of that name"),
        spooled([], (0, 1, 1), tmp_path / "file"),
    ):
        pytest.fail("there is no folder")


FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from hagan.errors import DiskError
from hagan.inference.stream import spooled

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
slabs = (np.zeros((4, 100, 100), np.float32) for _ in range(int(sys.argv[2])))
try:
    with spooled(slabs, (4 * int(sys.argv[2]), 100, 100), Path(sys.argv[1])):
        print("written")
except DiskError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, 10])
def test_a_disk_without_room_is_told_in_one_line(tmp_path: Path, count: int) -> None:
    """Also where it is the last slab of which a part still fits."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"cannot write {tmp_path}: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


WRITING = """
import sys, threading
import numpy as np
from pathlib import Path
from hagan.data.formats import write_scan
from hagan.data.volume import Volume
from hagan.inference.stream import spooled

folder, depth = Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
affine = np.diag([1.0, 1, 1, 1])

def write(count):
    slabs = (np.rint(rng.random((4, 512, 512), np.float32) * 9) for _ in range(0, count, 4))
    with spooled(slabs, (count, 512, 512), folder) as (voxels, _):
        for name in ("a.nii", "a.nii.gz", "a.npy"):
            write_scan(Volume(voxels, affine, "ct"), folder / name)

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

# Mapped pages of files are the system's to take back, so only what is the process's own counts.
most, stop = [0], threading.Event()

def watch():
    while not stop.wait(0.002):
        most[0] = max(most[0], anonymous())

write(4)
before = anonymous()
watcher = threading.Thread(target=watch)
watcher.start()
write(depth)
stop.set()
watcher.join()
print((most[0] - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_writing_from_disk_holds_a_few_slices(tmp_path: Path) -> None:
    """64 MiB of voxels go into three files without ever being in memory whole."""
    done = subprocess.run(
        [sys.executable, "-c", WRITING, str(tmp_path), "64"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 48


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.npy"])
@pytest.mark.parametrize("modality", ["ct", "mr"])
def test_a_file_from_disk_is_the_file_from_memory(
    tmp_path: Path, voxels: NDArray[np.float32], name: str, modality: str
) -> None:
    whole = np.rint(voxels) if modality == "ct" else voxels
    affine = np.diag([3.0, 2, 1, 1])
    for folder in ("memory", "disk"):
        (tmp_path / folder).mkdir()
    write_scan(Volume(whole, affine, modality), tmp_path / "memory" / name)  # type: ignore[arg-type]
    with spooled(slabs_of(whole, 8), whole.shape, tmp_path) as (mapped, _):
        write_scan(Volume(mapped, affine, modality), tmp_path / "disk" / name)  # type: ignore[arg-type]
    assert (tmp_path / "disk" / name).read_bytes() == (tmp_path / "memory" / name).read_bytes()
