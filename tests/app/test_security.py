"""Who is answered: a browser on this machine that was given the token, and nobody else."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx2 as httpx
import pytest

from app.serving import Serving
from hagan.app.security import HEADERS, LARGEST_BODY, REPORT_POLICY, Guard

PATHS = [
    *("/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"),
    *("/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py"),
    *("/static/%2e%2e%2fserver.py", "/static/..%5cserver.py", "/static/....//server.py"),
    *("/static/..;/server.py", "/static//etc/passwd", "/static/%00", "/static/page.js%00.png"),
    *("/static/%252e%252e/server.py", "/static/..%252fserver.py", "/static/.%2e/server.py"),
    *("/static/%c0%ae%c0%ae/server.py", "/static/..%c0%afserver.py", "/static/.../server.py"),
    *("/static/~root", "/static/C:%5cWindows%5cwin.ini", "/static/%5c%5chost%5cshare"),
    *(
        "/static/",
        "/static/static",
        "/static/../../../../../../../../etc/passwd",
        "/static/%2fetc%2fpasswd",
    ),
    *("/static/../__init__.py", "/static/./../root.py", "/static/page.css/../../root.py"),
    *("/nifti/../../etc/passwd.nii", "/nifti/..%2f..%2fetc%2fpasswd.nii", "/nifti/%2e%2e.nii"),
    *("/nifti/scans%2fgood.nii.gz.nii", "/nifti/scans/good.nii", "/nifti/good.nii"),
    *("/nifti/.nii", "/nifti/%00.nii", "/nifti/..nii", "/nifti/*.nii", "/nifti/%2a.nii"),
    *("/thumbs/../run/config.json", "/thumbs/..%2frun%2fconfig.json.png", "/thumbs/..png"),
    *("/slices/../axial/0.png", "/slices/..%2f..%2f/axial/0.png", "/slices/x/axial/-1.png"),
    *("/slices/x/..%2f../0.png", "/reports/..%2f..%2freport.html", "/reports/report.html"),
    *("/reports/../report/report.html", "/reports/%2e%2e.html", "/reports/.html"),
    *("/previews/{run}/..%2fconfig.json", "/previews/{run}/%2e%2e%2fconfig.json"),
    *("/previews/{run}/../config.json", "/previews/{run}/..", "/previews/{run}/.."),
    *("/previews/{run}/%2fetc%2fpasswd", "/previews/{run}/preview.png%00"),
    *("/previews/{run}/..%5cconfig.json", "/previews/{run}/....%2f%2fconfig.json"),
    *("/previews/../run/config.json", "/api/runs/..%2frun", "/api/runs/run", "/api/runs/../home/x"),
    *("/api/volumes/..%2fscans%2fwhole", "/api/volumes/%2e%2e", "/api/collections/scans"),
    *(
        "/api/reports/report",
        "/run/x/config.json",
        "/scans/good.nii.gz",
        "/shelf/report/report.html",
    ),
    *(
        "/file:///etc/passwd",
        "/nifti/file:%2f%2f%2fetc%2fpasswd.nii",
        "/favicon.ico",
        "/.git/config",
    ),
]
"""Ways out of the folder, and names of what lies in it; each must lead nowhere."""

SECRETS = (b"root:", b"hagan.app", b"num_slabs", b'"training"', b"<h1>Figures")


def raw(port: int, request: bytes) -> bytes:
    """The answer to a request as it stands: clients mend paths before they send them."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def get(serving: Serving, path: str, *, host: str = "127.0.0.1", more: str = "") -> bytes:
    viewer = serving.viewer
    cookie = f"Cookie: hagan-{viewer.port}={viewer.token}\r\n"
    text = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}{more}Connection: close\r\n\r\n"
    return raw(viewer.port, text.encode())


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_there_are_sixty_ways_out() -> None:
    assert len(set(PATHS)) >= 60


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_or_past_the_ids(serving: Serving, path: str) -> None:
    run = serving.viewer.library.findings.runs[0].id
    answer = get(serving, path.format(run=run))
    assert status(answer) in (400, 404, 405, 422)
    assert not any(secret in answer for secret in SECRETS)
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "host",
    ["example.org", "example.org:80", "127.0.0.1.example.org", "127.0.0.2", "", "0.0.0.0",
     "localhost.example.org:8000", "[::1]", "127.0.0.1@example.org", "LOCALHOST.evil"],
)  # fmt: skip
def test_other_hosts_are_refused(serving: Serving, host: str) -> None:
    assert status(get(serving, "/", host=host)) in (400, 421)


def test_two_hosts_are_refused(serving: Serving) -> None:
    assert status(get(serving, "/", more="Host: example.org\r\n")) in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:1234", "127.0.0.1:80"])
def test_this_machine_is_served_through_any_tunnel(serving: Serving, host: str) -> None:
    assert status(get(serving, "/", host=host)) == 200


@pytest.mark.parametrize("path", ["/", "/api/home", "/static/page.js", "/view", "/nothing"])
@pytest.mark.parametrize("given", [None, "wrong", "", "{token}x", "é"])
def test_without_the_token_nothing_is_answered(
    serving: Serving, path: str, given: str | None
) -> None:
    viewer = serving.viewer
    text = None if given is None else given.format(token=viewer.token)
    with serving.stranger() as client:
        if text is not None:
            assert client.get(path, params={"token": text}).status_code == 403
            cookie = f"hagan-{viewer.port}={text}".encode()
            assert client.get(path, headers={"cookie": cookie}).status_code == 403
        assert client.get(path).status_code == 403


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(
    serving: Serving,
) -> None:
    viewer = serving.viewer
    with serving.stranger() as client:
        answer = client.get("/view", params={"token": viewer.token})
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert viewer.token not in answer.text
        assert 'content="0;url=/view"' in answer.text
        assert client.get("/view").status_code == 200


def test_the_entrance_leads_nowhere_else(serving: Serving) -> None:
    token = serving.viewer.token
    for path in ("//example.org/", "/%22%3E%3Cscript%3E", "/a%20b"):
        answer = get(serving, f"{path}?token={token}")
        assert b'content="0;url=/"' in answer


@pytest.mark.parametrize("origin", [None, "http://example.org", "null", "https://127.0.0.1"])
def test_only_the_viewers_pages_change_something(
    serving: Serving, guest: httpx.Client, origin: str | None
) -> None:
    run = serving.viewer.library.findings.runs[0].id
    headers = {} if origin is None else {"origin": origin}
    answer = guest.post(f"/api/runs/{run}/samples", json={}, headers=headers)
    assert answer.status_code == 403


def test_the_port_is_part_of_an_origin(serving: Serving, guest: httpx.Client) -> None:
    run = serving.viewer.library.findings.runs[0].id
    other = f"http://127.0.0.1:{serving.viewer.port + 1}"
    answer = guest.post(f"/api/runs/{run}/samples", json={}, headers={"origin": other})
    assert answer.status_code == 403


def test_large_requests_are_refused(serving: Serving, guest: httpx.Client) -> None:
    url = f"/api/runs/{serving.viewer.library.findings.runs[0].id}/samples"
    headers = {"origin": serving.base}
    large = b" " * (LARGEST_BODY + 1)
    assert guest.post(url, content=large, headers=headers).status_code == 413

    def parts() -> Any:
        for _ in range(8):
            yield b" " * (LARGEST_BODY // 4)

    assert guest.post(url, content=parts(), headers=headers).status_code == 413
    assert guest.get(f"/api/home?a={'a' * 3000}").status_code == 414


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(guest: httpx.Client, method: str) -> None:
    assert guest.request(method, "/").status_code == 405


@pytest.mark.parametrize("path", ["/", "/api/home", "/static/page.js", "/nothing", "/api/runs/x"])
def test_every_answer_is_hardened(guest: httpx.Client, serving: Serving, path: str) -> None:
    with serving.stranger() as stranger:
        for client in (guest, stranger):
            headers = client.get(path).headers
            for name, value in HEADERS.items():
                assert headers[name] == value
            assert "server" not in headers
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_a_report_is_in_a_sandbox(guest: httpx.Client, serving: Serving) -> None:
    key = serving.viewer.library.findings.reports[0].id
    answer = guest.get(f"/reports/{key}.html")
    assert answer.headers["content-security-policy"] == REPORT_POLICY
    assert REPORT_POLICY.startswith("sandbox;")
    assert "script-src" not in REPORT_POLICY


def test_web_sockets_are_closed() -> None:
    sent: list[Any] = []

    async def app(*_: object) -> None:
        raise AssertionError("nothing may pass")

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(app, token="t", cookie="c")
    asyncio.run(guard({"type": "websocket"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
