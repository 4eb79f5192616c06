"""Every address answers what its page needs."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from data.made import thorax
from hagan.app.routes import PAGES
from hagan.app.server import Viewer


def ids(client: TestClient) -> dict[str, str]:
    home = client.get("/api/home").json()
    named = {one["name"]: one["id"] for part in ("runs", "collections") for one in home[part]}
    return named | {"report": home["reports"][0]["id"], "direction": home["directions"][0]["id"]}


def volumes(client: TestClient, name: str) -> dict[str, str]:
    answer = client.get(f"/api/collections/{ids(client)[name]}").json()
    return {one["name"]: one["id"] for one in answer["volumes"]}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_fixed_files_without_inline_code(client: TestClient, path: str) -> None:
    answer = client.get(path.replace("{id}", "anything"))
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text


def test_a_volume_is_sent_whole_and_described(client: TestClient) -> None:
    key = volumes(client, "scans/series")["series"]
    about = client.get(f"/api/volumes/{key}").json()
    assert about["shape"] == [12, 24, 20]
    assert about["unit"] == "HU"
    content = client.get(f"/nifti/{key}.nii").content
    image = nib.Nifti1Image.from_bytes(content)
    np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), thorax())
    picture = Image.open(BytesIO(client.get(f"/slices/{key}/axial/3.png?low=0&high=99").content))
    assert max(picture.size) == 512
    assert client.get(f"/thumbs/{key}.png").headers["content-type"] == "image/png"


def test_faults_are_one_line_with_a_status(client: TestClient) -> None:
    bad = volumes(client, "scans")["bad"]
    assert client.get(f"/api/volumes/{bad}").json()["error"].startswith("E102 bad")
    for path, status in (
        (f"/nifti/{bad}.nii", 422),
        (f"/thumbs/{bad}.png", 422),
        ("/api/volumes/none", 404),
        ("/api/runs/none", 404),
        ("/api/jobs/none", 404),
        (f"/slices/{volumes(client, 'new')['0000']}/oblique/0.png", 400),
        (f"/slices/{volumes(client, 'new')['0000']}/axial/99.png", 400),
        (f"/api/runs/{ids(client)['run']}/metrics?after=x", 400),
    ):
        answer = client.get(path)
        assert answer.status_code == status, path
        assert "\n" not in answer.json()["error"]


def test_a_run_has_its_losses_and_recipe(client: TestClient) -> None:
    key = ids(client)["run"]
    lines = client.get(f"/api/runs/{key}/metrics").json()
    assert [one["step"] for one in lines["lines"]] == [10, 20, 30]
    later = client.get(f"/api/runs/{key}/metrics", params={"after": lines["next"]}).json()
    assert later["lines"] == []
    assert client.get(f"/api/runs/{key}").json()["recipe"] == "narrow"


def test_a_wish_becomes_a_volume(client: TestClient, viewer: Viewer) -> None:
    named = ids(client)
    origin = {"origin": f"http://127.0.0.1:{viewer.port}"}
    path = f"/api/runs/{named['run']}/samples"
    assert client.post(path, content=b"{", headers=origin).status_code == 400
    about = client.get(f"/api/runs/{named['run']}/latent").json()
    assert [one["id"] for one in about["directions"]] == [named["direction"]]
    wish = {"seed": 1, "moves": {named["direction"]: 3003.0}}
    job = client.post(path, json=wish, headers=origin).json()
    end = time.monotonic() + 30
    while job["state"] not in ("done", "failed"):
        assert time.monotonic() < end
        job = client.get(f"/api/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    told = client.get(f"/api/volumes/{job['result']}").json()
    assert (told["provenance"], told["note"]) == ("fake", "lung 3003")
    assert client.post(path, json=wish, headers=origin).json()["id"] == job["id"]


def test_reports_are_shown_in_a_sandbox_and_figures_as_json(client: TestClient) -> None:
    key = ids(client)["report"]
    about = client.get(f"/api/reports/{key}").json()
    assert about["results"]["far"] is None
    page = client.get(f"/reports/{key}.html")
    assert "Figures" in page.text
    assert page.headers["content-security-policy"].startswith("sandbox;")


def test_previews_are_those_of_the_folder(client: TestClient, shelf: Path) -> None:
    assert client.get(f"/previews/{ids(client)['run']}/none.png").status_code == 404
