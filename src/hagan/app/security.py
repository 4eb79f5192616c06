"""Who may ask and what an answer allows: the guard around every page, volume and picture.

The viewer shows patient data on a machine that other users and other pages may reach. A request
must name this machine as its host (else a page elsewhere could have its own name point here), carry
the token that was printed, and, where it changes something, come from a page of the viewer itself.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS = frozenset(("127.0.0.1", "localhost"))
"""Names of this machine. Any port, since a tunnel from another machine has its own."""

LARGEST_BODY = 2**14
LONGEST_URL = 2048

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Of the viewer's own pages. NiiVue holds its font as data: URLs."""

REPORT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""Of a report, which is a file like any other: it may show itself and do nothing."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": POLICY,
}
"""Of every answer that does not say otherwise."""

_ENTRANCE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" '
    'content="0;url={path}"><link rel="icon" href="data:,"><title>hagan</title>'
    '<p><a href="{path}">Open the viewer</a></p></html>'
)
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.-]*")


class Guard:
    """ASGI middleware that refuses what must not pass, before anything looks at it."""

    def __init__(self, app: Asgi, *, token: str, cookie: str) -> None:
        """Stand before an app.

        Args:
            app: What is guarded.
            token: What the printed address holds.
            cookie: Name of the cookie that holds it from then on.
        """
        self._app = app
        self._token = token.encode()
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")
        if self._is_token(given) and scope["method"] == "GET":
            await self._let_in(scope["path"], send)
            return
        if not self._is_token(_cookie(headers.get("cookie", ""), self._cookie)):
            await _answer(send, 403, "open the address with the token that hagan serve printed")
            return
        await self._app(scope, _bounded(receive), _hardened(send))

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
            return 421, "this host is not served"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "only GET and POST are answered"
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
            return 414, "the address is too long"
        if scope["method"] == "POST":
            if headers.get("origin") != f"http://{host}":
                return 403, "only pages of the viewer may change something"
            length = headers.get("content-length", "")
            # Without a length the body is bounded as it comes.
            if length and (not length.isdecimal() or int(length) > LARGEST_BODY):
                return 413, "the request is too large"
        return None

    async def _let_in(self, path: str, send: Send) -> None:
        """Keep the token in a cookie and go on without it in the address.

        A page instead of a redirection, since browsers hold a strict cookie back from one that
        began on another site, such as a terminal in a browser.
        """
        target = path if _PLAIN_PATH.fullmatch(path) and not path.startswith("//") else "/"
        cookie = f"{self._cookie}={self._token.decode()}; Path=/; HttpOnly; SameSite=Strict"
        body = _ENTRANCE.format(path=target)
        await _answer(send, 200, body, "text/html; charset=utf-8", {"set-cookie": cookie})


def _headers(scope: Scope) -> dict[str, str]:
    """Headers by name; one that comes twice has no value, as nobody knows which counts."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in found and name in ("host", "origin", "content-length"):
            found[name] = ""
        elif name in found:
            found[name] += f"; {raw_value.decode('latin-1')}"
        else:
            found[name] = raw_value.decode("latin-1")
    return found


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


async def _answer(
    send: Send,
    status: int,
    text: str,
    kind: str = "text/plain; charset=utf-8",
    more: dict[str, str] | None = None,
) -> None:
    body = text.encode()
    headers = HEADERS | {"content-type": kind, "content-length": str(len(body))} | (more or {})
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _bounded(receive: Receive) -> Receive:
    """A body that ends, as if the browser were gone, where it becomes too large."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > LARGEST_BODY else message

    return bounded


def _hardened(send: Send) -> Send:
    """Every answer with the headers that it lacks."""

    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (k.encode(), v.encode())
                    for k, v in HEADERS.items()
                    if k.encode() not in present
                ),
            ]
        await send(message)

    return hardened
