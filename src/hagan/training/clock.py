"""How long training has taken, for a run whose length is given in minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds that the steps of a run took, those before an interruption too.

    On a CPU a step counts by the lesser of the wall's time and the process's own: what it waited
    for other programs does not count, and neither do the seconds of a second core count twice.
    """

    def __init__(self, device: str, seconds: float = 0.0) -> None:
        """Set up.

        Args:
            device: Kind of device that computes.
            seconds: What has gone by already.
        """
        self.seconds = seconds
        self._waits_for_device = device != "cpu"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of a block."""
        began, worked = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall = time.perf_counter() - began
            own = wall if self._waits_for_device else time.process_time() - worked
            self.seconds += min(wall, own)
