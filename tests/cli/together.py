"""Several real processes of one command for the tests; also the program that dies on its way.

Run as a program, it is `hagan`, but a process of a given rank ends without a word in the middle of
writing its n-th volume, as a kill would end it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hagan.data.volume import Volume
from hagan.inference.export import Exporter, Row
from training.processes import launch


def hagan(
    *arguments: str | Path, size: int = 2, dying: tuple[int, int] | None = None, **more: str
) -> list[subprocess.CompletedProcess[str]]:
    """One `hagan` command in so many processes; `dying` is a rank and at which volume it dies."""
    program = ["-m", "hagan"] if dying is None else [__file__, *map(str, dying)]
    command = [sys.executable, *program, *map(str, arguments)]
    return launch([command] * size, **more)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, those of folders below it and hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def die_at(number: int) -> None:
    """Let this process die in the middle of writing a volume."""
    written = [0]
    write = Exporter.write

    def killed(self: Exporter, volume: Volume, row: Row) -> Any:
        written[0] += 1
        if written[0] == number:
            (self.folder / row.file).write_bytes(b"half")
            os._exit(9)
        return write(self, volume, row)

    Exporter.write = killed  # type: ignore[method-assign]


if __name__ == "__main__":
    from hagan.cli.main import run

    if os.environ["RANK"] == sys.argv[1]:
        die_at(int(sys.argv[2]))
    raise SystemExit(run(sys.argv[3:]))
