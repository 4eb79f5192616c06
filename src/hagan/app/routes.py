"""What each address answers: pages, JSON for them, volumes, pictures, reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hagan.app.descriptions import collection_page, run_page, shelf_page
from hagan.app.found import FoundVolume
from hagan.app.jobs import BusyError, Jobs
from hagan.app.latent import Wish, Workshop, facts_of, wish_of
from hagan.app.library import Library, UnknownIdError
from hagan.app.metrics import read_lines
from hagan.app.security import REPORT_POLICY
from hagan.app.slices import PLANES, slice_png, thumb_png
from hagan.app.volumes import Volumes, one_line
from hagan.config.run_dir import RunDir
from hagan.errors import HaganError, UsageError

STATIC = Path(__file__).parent / "static"

PAGES = {
    "/": "home",
    "/run/{id}": "run",
    "/volumes/{id}": "volumes",
    "/view": "view",
    "/latent/{id}": "latent",
    "/report/{id}": "report",
}
"""Each page is a fixed file that asks for its content; nothing is put into its HTML."""

LARGEST_RESULTS = 2**23


@dataclass(frozen=True, eq=False)
class Routes:
    """Answers from a library."""

    library: Library
    volumes: Volumes
    workshop: Workshop
    jobs: Jobs[Wish]

    def all(self) -> list[BaseRoute]:
        """Every route; plain functions among their endpoints run in threads of their own."""
        return [
            *(Route(path, _page(name)) for path, name in PAGES.items()),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/home", self.home),
            Route("/api/runs/{id}", self.run),
            Route("/api/runs/{id}/metrics", self.metrics),
            Route("/api/runs/{id}/latent", self.latent),
            Route("/api/runs/{id}/start", self.start),
            Route("/api/runs/{id}/samples", self.sample, methods=["POST"]),
            Route("/api/jobs/{id}", self.job),
            Route("/api/collections/{id}", self.collection),
            Route("/api/volumes/{id}", self.volume),
            Route("/api/reports/{id}", self.report),
            Route("/previews/{id}/{name}", self.preview),
            Route("/nifti/{id}.nii", self.nifti),
            Route("/thumbs/{id}.png", self.thumb),
            Route("/slices/{id}/{plane}/{index:int}.png", self.slice),
            Route("/reports/{id}.html", self.report_page),
        ]

    def home(self, request: Request) -> Response:
        """What was found."""
        return JSONResponse(shelf_page(self.library))

    def run(self, request: Request) -> Response:
        """A run's recipe and previews."""
        found = self.library.run(request.path_params["id"])
        return JSONResponse(run_page(self.library, found))

    def metrics(self, request: Request) -> Response:
        """What a run's log holds beyond what the page has."""
        found = self.library.run(request.path_params["id"])
        path = self.library.root.checked(RunDir(found.path).metrics)
        lines = read_lines(path, _whole(request, "after"))
        return JSONResponse(
            {"lines": lines.lines, "next": lines.next, "restarted": lines.restarted}
        )

    def preview(self, request: Request) -> Response:
        """A preview picture of a run; its name is one of those that the folder holds."""
        found = self.library.run(request.path_params["id"])
        for path in RunDir(found.path).previews.glob("*.png"):
            if path.name == request.path_params["name"]:
                return FileResponse(self.library.root.checked(path), media_type="image/png")
        raise UnknownIdError("no such preview")

    def latent(self, request: Request) -> Response:
        """What can be made with a run, and its directions."""
        found = self.library.run(request.path_params["id"])
        path, weights = self.workshop.weights_of(found)
        about = facts_of(path) | {"name": found.name, "weights": weights[:8]}
        return JSONResponse(about | {"directions": self.workshop.directions_of(weights)})

    def start(self, request: Request) -> Response:
        """What the directions say of the code with which a sample begins."""
        wish = self._wish(request, {n: _whole(request, n) for n in ("seed", "index")})
        return JSONResponse(self.workshop.predictions(wish))

    async def sample(self, request: Request) -> Response:
        """Ask for a volume."""
        try:
            content = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise UsageError("a sample is asked for with a JSON object") from error
        except ClientDisconnect as error:
            raise HTTPException(413) from error
        wish = await run_in_threadpool(self._wish, request, content)
        return JSONResponse(self.jobs.state(self.jobs.submit(wish)), status_code=202)

    def _wish(self, request: Request, content: object) -> Wish:
        found = self.library.run(request.path_params["id"])
        return wish_of(found.id, self.workshop.weights_of(found)[1], content)

    def job(self, request: Request) -> Response:
        """How far a volume is."""
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            raise UnknownIdError("no such job; ask for the volume again")
        return JSONResponse(self.jobs.state(job))

    def collection(self, request: Request) -> Response:
        """The volumes that lie together."""
        return JSONResponse(collection_page(self.library.collection(request.path_params["id"])))

    def volume(self, request: Request) -> Response:
        """What is known of a volume, or why it cannot be shown."""
        return JSONResponse(self.volumes.described(self._volume(request)))

    def nifti(self, request: Request) -> Response:
        """A volume as NIfTI."""
        content = self.volumes.get(self._volume(request)).nifti
        return Response(content, media_type="application/octet-stream")

    def thumb(self, request: Request) -> Response:
        """A small picture of a volume."""
        return _png(thumb_png(self.volumes.get(self._volume(request))))

    def slice(self, request: Request) -> Response:
        """One slice of a volume, in the window of the query or the volume's own."""
        plane, index = request.path_params["plane"], request.path_params["index"]
        if plane not in PLANES:
            raise UsageError(f"planes are {', '.join(PLANES)}")
        served = self.volumes.get(self._volume(request))
        window = None
        if "low" in request.query_params:
            window = _float(request, "low"), _float(request, "high")
        return _png(slice_png(served, plane, index, window))

    def report(self, request: Request) -> Response:
        """A table of figures, and whether there is a page."""
        found = self.library.report(request.path_params["id"])
        about: dict[str, Any] = {"name": found.name, "page": found.page is not None}
        if found.results is not None:
            about["results"] = _results(self.library.root.checked(found.results))
        return JSONResponse(about)

    def report_page(self, request: Request) -> Response:
        """A report as its file has it, in a sandbox."""
        found = self.library.report(request.path_params["id"])
        if found.page is None:
            raise UnknownIdError("there is no page, only results.json")
        headers = {"content-security-policy": REPORT_POLICY}
        path = self.library.root.checked(found.page)
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    def _volume(self, request: Request) -> FoundVolume:
        return self.library.volume(request.path_params["id"])


def told(request: Request, error: Exception) -> Response:
    """An error of a user as one line of JSON."""
    assert isinstance(error, HaganError), error
    statuses = {UnknownIdError: 404, BusyError: 429, UsageError: 400}
    return JSONResponse({"error": one_line(error)}, status_code=statuses.get(type(error), 422))


def _page(name: str) -> Callable[[Request], Response]:
    def page(request: Request) -> Response:
        return FileResponse(STATIC / f"{name}.html", media_type="text/html; charset=utf-8")

    return page


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png")


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isdecimal() or len(text) > 15:
        raise UsageError(f"{name} is a whole number")
    return int(text)


def _float(request: Request, name: str) -> float:
    try:
        return float(request.query_params[name])
    except (KeyError, ValueError) as error:
        raise UsageError(f"{name} is a number") from error


def _results(path: Path) -> object:
    try:
        if path.stat().st_size > LARGEST_RESULTS:
            raise UsageError(f"{path.name} is larger than {LARGEST_RESULTS >> 20} MiB")
        # Numbers that are not finite have no form in JSON; null is read by every browser.
        return json.loads(path.read_text("utf-8"), parse_constant=lambda _: None)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path.name} is no JSON that can be read ({type(error).__name__})"
        ) from error
