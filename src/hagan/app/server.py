"""The web server: bound to this machine alone, its address with a fresh token."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from hagan.app.jobs import Jobs
from hagan.app.latent import Workshop
from hagan.app.library import Library
from hagan.app.root import Root
from hagan.app.routes import Routes, told
from hagan.app.security import Asgi, Guard
from hagan.app.volumes import Volumes
from hagan.errors import HaganError, UsageError

HOST = "127.0.0.1"
MOST_CONNECTIONS = 64
_GRACE_SECONDS = 2

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Viewer:
    """A folder that is served on a port of this machine.

    Attributes:
        library: What is shown.
        port: Where; 0 takes a free one.
        device: Where new volumes are computed.
        token: Without it nothing is answered.
        app: What answers requests, behind its guard.
    """

    library: Library
    port: int = 0
    device: str = "cpu"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @classmethod
    def of(
        cls, path: Path, *, port: int = 0, device: str = "cpu", directions: Sequence[Path] = ()
    ) -> Viewer:
        """A viewer of a folder or a file.

        Args:
            path: What is served.
            port: Where; 0 takes a free one.
            device: Where new volumes are computed.
            directions: Files of directions that lie elsewhere.

        Raises:
            BadInputError: There is no such path, or a direction is none.
        """
        return cls(Library(Root.of(path), directions=directions), port, device)

    def __post_init__(self) -> None:
        self._socket = _bound(self.port)
        self.port = self._socket.getsockname()[1]
        volumes = Volumes()
        workshop = Workshop(self.library, volumes, self.device)
        self._jobs = Jobs(workshop.make)
        self.app = self._app(Routes(self.library, volumes, workshop, self._jobs))
        config = uvicorn.Config(
            self.app,
            *(HOST, self.port),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self.server = uvicorn.Server(config)

    @property
    def address(self) -> str:
        """What to open, with the token."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    def run(self) -> None:
        """Serve until a signal, or until `server.should_exit` is set."""
        _log.info("serving %s on port %d", self.library.root.path, self.port)
        with closing(self):
            self.server.run(sockets=[self._socket])

    def close(self) -> None:
        """Give the port back, and take no more wishes."""
        self._socket.close()
        self._jobs.close()

    def _app(self, routes: Routes) -> Asgi:
        app = Starlette(routes=routes.all(), exception_handlers={HaganError: told})
        return Guard(app, token=self.token, cookie=f"hagan-{self.port}")


def _bound(port: int) -> socket.socket:
    """A socket on this machine.

    Raises:
        UsageError: The port is taken or may not be used.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise UsageError(f"port {port} cannot be used ({error}); choose another --port") from error
    return found
