"""Who is answered: a browser on this machine that was given the token, and nobody else."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from hagan.app.security import LARGEST_BODY, POLICY, REPORT_POLICY
from hagan.app.server import Viewer

FOREIGN = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "0.0.0.0",
    "169.254.0.1",
    "",
]

TRAVERSALS = [
    f"{mount}{step * depth}{target}"
    for mount in ("/static/", "/previews/x/", "/nifti/")
    for step in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "....//", "..\\", "..%5c")
    for depth in (3, 9)
    for target in ("etc/passwd",)
] + [
    *(f"/static/{x}" for x in ("/etc/passwd", "%2fetc%2fpasswd", "a%00.js", "~root", "C:\\x", ".")),
    *(f"/slices/{x}/axial/0.png" for x in ("..", "%2e%2e", "..%2f..", "a%00")),
    *(f"/reports/{x}.html" for x in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "")),
]


def stranger(viewer: Viewer, **headers: str) -> TestClient:
    return TestClient(viewer.app, base_url=f"http://127.0.0.1:{viewer.port}", headers=headers)


def test_without_the_token_nothing_is_told(viewer: Viewer) -> None:
    for path in ("/", "/api/home", "/static/niivue.js", "/nifti/x.nii"):
        answer = stranger(viewer).get(path)
        assert answer.status_code == 403
        assert "token" in answer.text
    wrong = stranger(viewer).get("/", params={"token": viewer.token[:-1] + "-"})
    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(
    viewer: Viewer,
) -> None:
    one = stranger(viewer)
    answer = one.get("/", params={"token": viewer.token})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert viewer.token not in answer.text
    assert one.get("/api/home").status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_not_served(viewer: Viewer, host: str) -> None:
    """A page elsewhere whose name is made to point here must learn nothing."""
    answer = stranger(viewer, host=host).get("/", params={"token": viewer.token})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


def test_only_pages_of_the_viewer_change_something(client: TestClient, viewer: Viewer) -> None:
    key = client.get("/api/home").json()["runs"][0]["id"]
    path, own = f"/api/runs/{key}/samples", f"http://127.0.0.1:{viewer.port}"
    for origin in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert client.post(path, json={}, headers=origin).status_code == 403
    assert client.post(path, json={"seed": 1}, headers={"origin": own}).status_code == 202
    assert client.get(path).status_code == 405
    assert client.put(path).status_code == 405
    large = client.post(path, content=b" " * (LARGEST_BODY + 1), headers={"origin": own})
    assert large.status_code == 413


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_folder(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404), answer.text[:100]
    assert "root:" not in answer.text


def test_there_are_enough_of_them() -> None:
    assert len(set(TRAVERSALS)) >= 60


def test_every_answer_is_hardened(client: TestClient) -> None:
    home = client.get("/api/home").json()
    report = f"/reports/{home['reports'][0]['id']}.html"
    for path in ("/", "/api/home", "/static/page.js", "/nothing", report):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert policy == (REPORT_POLICY if path == report else POLICY)
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert REPORT_POLICY.startswith("sandbox;")


def test_addresses_that_are_too_long(client: TestClient) -> None:
    assert client.get("/" + "a" * 3000).status_code == 414
