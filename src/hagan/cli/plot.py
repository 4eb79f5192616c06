"""`hagan plot`: the losses of a run as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from hagan.config.run_dir import RunDir
from hagan.errors import BadInputError, UsageError


@dataclass(frozen=True)
class Plot:
    """Draw every loss and gradient of a run over its steps."""

    run_folder: tyro.conf.Positional[Path]
    """Run folder."""
    out: Path | None = None
    """PNG to write; by default losses.png in the run folder."""

    def run(self) -> int:
        """Write it; returns the exit code."""
        from hagan.data.files import make_folder, write_bytes_atomically
        from hagan.experiments.curves import course_picture
        from hagan.training.log import read_metrics

        run = RunDir(self.run_folder)
        out = self.out or run.path / "losses.png"
        if out.suffix != ".png":
            raise UsageError(f"{out}: name a file that ends in .png")
        if not run.metrics.is_file():
            raise BadInputError(f"{run.path}: no {run.metrics.name}; expected the folder of a run")
        lines = read_metrics(run.metrics)
        picture = course_picture(
            lines, f"{run.path.name}, step {lines[-1]['step'] if lines else 0}"
        )
        make_folder(out.parent)
        write_bytes_atomically(out, picture)
        Console(highlight=False, soft_wrap=True, markup=False).print(f"Wrote {out}")
        return 0
