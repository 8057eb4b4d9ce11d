"""The page: one document for all of its addresses, and the files it is made of, straight from a folder.

Nobody is asked who they are: there is nothing of anybody's in these files. They are no part of the OpenAPI document.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.v1.problems import Problem

WEB = Path(__file__).resolve().parents[1] / "web"
INDEX = "index.html"
ICON = "icon.svg"
ADDRESSES = ("/", "/jobs", "/jobs/{job_id}", "/batches/{batch_id}")
"""Of the one document, which looks at the address itself."""
MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml; charset=utf-8",
}
"""What else lies in the folder is not there."""
NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*", re.ASCII)
"""No part begins with a dot, so none is one that leads elsewhere."""
LONGEST_NAME = 200
TAG = re.compile(r'(?:W/)?("[^"]*")')
OF_PROGRAMS = ("/v1/", "/objects/", "/web/")
UNUSED = ("camera", "display-capture", "geolocation", "hid", "microphone", "midi", "payment", "serial", "usb")
"""What browsers offer to pages and ours has no use for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file as it is sent."""

    content: bytes
    media_type: str
    etag: str
    """Of its content."""
    stamp: tuple[int, int]
    """When it was changed, in ns, and its size."""


class WebFiles:
    """The files of a folder, each read when it is first asked for and again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, WebFile] = {}

    def find(self, name: str) -> WebFile | None:
        """Return the file of that name, a path with slashes; None where there is none to be shown.

        Whatever is reached through a link is not there.
        """
        media_type = MEDIA_TYPES.get(Path(name).suffix)
        if media_type is None or len(name) > LONGEST_NAME or not NAME.fullmatch(name):
            return None
        try:
            folder = self._folder.resolve(strict=True)
            path = (folder / name).resolve(strict=True)
            if path != folder / name or not path.is_file():
                return None
            return self._read(name, path, media_type)
        except OSError:
            return None

    def _read(self, name: str, path: Path, media_type: str) -> WebFile:
        now = path.stat()
        stamp = (now.st_mtime_ns, now.st_size)
        kept = self._kept.get(name)
        if kept is None or kept.stamp != stamp:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            kept = self._kept[name] = WebFile(content=content, media_type=media_type, etag=etag, stamp=stamp)
        return kept


class Pages:
    """Answers for the page's addresses and for its files; signed addresses lead to the origins in `storage`."""

    def __init__(self, files: WebFiles, *, storage: Iterable[str]) -> None:
        self._files = files
        self._headers = safe_headers(storage)

    # Answered by the event loop itself, as threads may all be busy: a file is small, and mostly read already.

    async def index(self, request: Request) -> Response:
        """Answer with the document."""
        return self._answer(request, INDEX)

    def lost(self, request: Request) -> Response | None:
        """Answer somebody who follows a link to nowhere with the document, which says so; None to a program."""
        is_person = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not is_person or request.url.path.startswith(OF_PROGRAMS) or self._files.find(INDEX) is None:
            return None
        return self._answer(request, INDEX, status=404)

    async def file(self, request: Request) -> Response:
        """Answer with one of the files."""
        return self._answer(request, request.path_params["name"])

    async def favicon(self, request: Request) -> Response:
        """Answer what browsers ask for unbidden: with the icon, or with nothing, but not with an error."""
        is_there = self._files.find(ICON) is not None
        return self._answer(request, ICON) if is_there else Response(status_code=204, headers=self._headers)

    def _answer(self, request: Request, name: str, *, status: int = 200) -> Response:
        found = self._files.find(name)
        if found is None:
            raise Problem(404, "unknown_path", "The page has no such file.")
        headers = {**self._headers, "ETag": found.etag, "Cache-Control": "no-cache"}
        if status == 200 and _knows(request.headers.get("If-None-Match"), found.etag):
            return Response(status_code=304, headers=headers)
        # Of an answer to HEAD the servers leave the content away.
        return Response(found.content, status_code=status, headers={**headers, "Content-Type": found.media_type})


def page_routes(pages: Pages) -> list[Route]:
    """Return what answers for the page, GET and HEAD."""
    return [
        *(Route(address, pages.index) for address in ADDRESSES),
        Route("/web/{name:path}", pages.file),
        Route("/favicon.ico", pages.favicon),
    ]


def safe_headers(storage: Iterable[str]) -> dict[str, str]:
    """Return the headers that hold a browser to what the page needs."""
    there = " ".join(("'self'", *storage))
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src {there} blob:",
        f"media-src {there} blob:",
        f"connect-src {there}",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{each}=()" for each in UNUSED),
        # Not no-referrer: with that a browser may call the page's own requests those of an origin "null".
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def _knows(if_none_match: str | None, etag: str) -> bool:
    """Return whether a caller has this very content (RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in TAG.findall(if_none_match)
