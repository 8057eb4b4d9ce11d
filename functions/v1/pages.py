"""The page: one document for all of its addresses, and the files it is made of, straight from a folder.

Nobody is asked who they are: there is nothing of anybody's in these files. They are no part of the OpenAPI document.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.v1.page_release import DIGEST, Release, WebFile, etag_of, released
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


ASKED_ANEW = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"
RELEASES_KEPT = 2
"""So that who is loading the page while its files change gets the rest of what was begun."""

Stamp: TypeAlias = tuple[int, int]
"""When a file was changed, in ns, and its size."""


class WebFiles:
    """The files of a folder, each read when it is first asked for and again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, tuple[Stamp, WebFile]] = {}
        self._stamps: dict[str, Stamp] = {}
        self._releases: dict[str, Release] = {}

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

    def release(self) -> Release | None:
        """Return the version that the files make now; None where there is no document."""
        stamps = dict(_stamps_below(str(self._folder)))
        if stamps != self._stamps or not self._releases:
            files = {name: found for name in sorted(stamps) if (found := self.find(name)) is not None}
            if INDEX not in files:
                return None
            now = released(files, document=INDEX)
            self._releases.pop(now.digest, None)  # to the end, as the newest
            self._releases[now.digest] = now
            for old in list(self._releases)[:-RELEASES_KEPT]:
                del self._releases[old]
            self._stamps = stamps
        return next(reversed(self._releases.values()))

    def released(self, digest: str) -> Release | None:
        """Return the version of that digest, if it is this folder's or was until shortly."""
        if digest not in self._releases:
            self.release()
        return self._releases.get(digest)

    def _read(self, name: str, path: Path, media_type: str) -> WebFile:
        now = path.stat()
        stamp = (now.st_mtime_ns, now.st_size)
        kept = self._kept.get(name)
        if kept is None or kept[0] != stamp:
            content = path.read_bytes()
            kept = self._kept[name] = (stamp, WebFile(content=content, media_type=media_type, etag=etag_of(content)))
        return kept[1]


class Pages:
    """Answers for the page's addresses and for its files.

    Signed addresses lead to the origins in `storage`, and those of pictures and films to what lies below `folders`.
    """

    def __init__(self, files: WebFiles, *, storage: Iterable[str], folders: Iterable[str]) -> None:
        self._files = files
        self._headers = safe_headers(storage, folders)

    # Answered by the event loop itself, as threads may all be busy: a file is small, and mostly read already.

    async def index(self, request: Request) -> Response:
        """Answer with the document."""
        return self._document(request)

    def lost(self, request: Request) -> Response | None:
        """Answer somebody who follows a link to nowhere with the document, which says so; None to a program."""
        is_person = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not is_person or request.url.path.startswith(OF_PROGRAMS) or self._files.find(INDEX) is None:
            return None
        return self._document(request, status=404)

    async def file(self, request: Request) -> Response:
        """Answer with one of the files, as it is now or, below a digest, as it was in that version."""
        name = request.path_params["name"]
        digest, _, rest = name.partition("/")
        if not DIGEST.fullmatch(digest):
            return self._answer(request, self._files.find(name))
        release = self._files.released(digest)
        return self._answer(request, release.files.get(rest) if release else None, keeping=FOR_GOOD)

    async def favicon(self, request: Request) -> Response:
        """Answer what browsers ask for unbidden: with the icon, or with nothing, but not with an error."""
        found = self._files.find(ICON)
        return self._answer(request, found) if found else Response(status_code=204, headers=self._headers)

    def _document(self, request: Request, *, status: int = 200) -> Response:
        release = self._files.release()
        return self._answer(request, release.document if release else None, status=status)

    def _answer(
        self, request: Request, found: WebFile | None, *, status: int = 200, keeping: str = ASKED_ANEW
    ) -> Response:
        if found is None:
            raise Problem(404, "unknown_path", "The page has no such file.")
        headers = {**self._headers, "ETag": found.etag, "Cache-Control": keeping}
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


def safe_headers(storage: Iterable[str], folders: Iterable[str]) -> dict[str, str]:
    """Return the headers that hold a browser to what the page needs.

    Uploads may go on at an address that the storage itself chooses: those are held to its origin alone.
    """
    there = " ".join(("'self'", *storage))
    shown = " ".join(("'self'", *folders))
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src {shown} blob:",
        f"media-src {shown} blob:",
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


def _stamps_below(folder: str, above: str = "") -> Iterator[tuple[str, Stamp]]:
    """Yield the files of a folder by name, each with what changes when it does; nothing of what cannot be read."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _stamps_below(entry.path, f"{above}{entry.name}/")
                elif entry.is_file(follow_symlinks=False):
                    now = entry.stat()
                    yield f"{above}{entry.name}", (now.st_mtime_ns, now.st_size)
    except OSError:
        return


def _knows(if_none_match: str | None, etag: str) -> bool:
    """Return whether a caller has this very content (RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in TAG.findall(if_none_match)
