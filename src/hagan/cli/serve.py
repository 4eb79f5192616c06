"""`hagan serve`: a folder's runs, volumes and reports in a browser on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro
from rich.console import Console

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.app.server import Viewer

INSTALL = "pip install 'hagan[web]'"
PORTS = range(65536)


@dataclass(frozen=True)
class Serve:
    """Look at runs, volumes, reports and new samples in a browser, on this machine alone."""

    path: tyro.conf.Positional[Path]
    """A run, a store, volumes, scans, reports, a folder of any of these, or one file."""
    port: int = 0
    """Of the address; 0 takes a free one."""
    directions: tuple[Path, ...] = ()
    """Directions for the sliders that do not lie in PATH."""
    device: str = "auto"
    """For new samples: cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""

    def run(self) -> int:
        """Serve until interrupted; returns the exit code."""
        console = Console(highlight=False, soft_wrap=True)
        viewer = self.viewer()
        found = viewer.library.findings
        counts = {
            "runs": len(found.runs),
            "volumes": sum(len(one.volumes) for one in found.collections),
            "directions": len(found.directions),
            "reports": len(found.reports),
        }
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        console.print(f"{self.path}: {told or 'nothing to show yet'}", markup=False)
        console.print(f"open {viewer.address}", markup=False)
        console.print("the address is for you alone: who has it sees the data. Ctrl-C ends it")
        try:
            viewer.run()
        except KeyboardInterrupt:
            console.print("stopped")
        return 0

    def viewer(self) -> Viewer:
        """The server, bound and not yet serving.

        Raises:
            UsageError: The extra is not installed, or the port cannot be used.
            BadInputError: There is nothing at the path.
        """
        if self.port not in PORTS:
            raise UsageError(f"--port is from 0 to {PORTS[-1]}, not {self.port}")
        try:
            from hagan.app.server import Viewer
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
                raise
            raise UsageError(f"hagan serve needs the extra web: {INSTALL}") from error
        from hagan.cli.train import pick_device

        return Viewer.of(
            self.path,
            port=self.port,
            device=pick_device(self.device),
            directions=self.directions,
        )
