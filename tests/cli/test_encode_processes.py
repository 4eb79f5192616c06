"""`hagan encode` in several processes writes the file that one process writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.together import hagan
from hagan.cli import main
from hagan.data.store import Store
from inference.made import save_ct

pytestmark = pytest.mark.slow


def arrays(path: Path) -> dict[str, list[object]]:
    with np.load(path, allow_pickle=False) as held:
        return {name: [held[name].dtype, held[name].tolist()] for name in held.files}


def test_a_store_gives_the_codes_of_one_process(run: Path, store: Store, tmp_path: Path) -> None:
    """Six scans by four processes, so that the last round has two."""
    out = tmp_path / "one.npz"
    assert main.run(["encode", str(run), str(store.path), str(out)]) == 0
    ended = hagan("encode", run, store.path, tmp_path / "four.npz", size=4)
    assert [process.returncode for process in ended] == [0] * 4, ended
    assert arrays(tmp_path / "four.npz") == arrays(out)
    assert "Wrote 6 codes" in ended[0].stdout
    assert [process.stdout for process in ended[1:]] == [""] * 3


def test_a_bad_scan_of_the_other_process_is_told_by_the_first(run: Path, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    save_ct(scans / "a.nii.gz", 0)
    (scans / "b.nii.gz").write_text("a text")
    save_ct(scans / "c.nii.gz", 1)
    ended = hagan("encode", run, scans, tmp_path / "a.npz")
    assert [process.returncode for process in ended] == [3, 3]
    assert ended[0].stdout.startswith("E102 b.nii.gz: ")
    assert (ended[1].stdout, ended[1].stderr) == ("", "")
    with np.load(tmp_path / "a.npz") as found:
        assert list(found["names"]) == ["a.nii.gz", "c.nii.gz"]
