"""A command line of hagan in a process that ends with the one that started it.

    python -m hagan.experiments.attached train hagan-64 ...

Its input is a pipe that stays open while the other process lives. When that is killed, whatever
kills it, the pipe closes, and this one is asked to end as by SIGTERM: training saves first.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    """Wait for the other end of the pipe to close, then ask this process to end."""
    # Past the buffer, whose lock the interpreter would ask for at its end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv[0] = "hagan"
    # By its name: experiments lie below the command line and do not import it.
    runpy.run_module("hagan", run_name="__main__", alter_sys=True)
