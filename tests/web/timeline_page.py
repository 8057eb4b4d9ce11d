"""The timeline on a page of its own, served on loopback with the page's real files and under its real policy."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[2] / "functions" / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
STYLES = ("tokens", "base", "controls", "timeline")
PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Timeline</title>
    <link rel="icon" href="/web/icon.svg" type="image/svg+xml">
    {styles}
    <script type="module" src="/mount.js"></script>
  </head>
  <body>
    <main><h1>Timeline</h1><div id="root"></div></main>
    <div id="announcer" aria-live="polite"></div>
  </body>
</html>
"""
MOUNT = """
import { EditSession } from "/web/editing/edit_session.js";
import { snapPoints } from "/web/editing/snap_points.js";
import { mountTimeline } from "/web/timeline/timeline.js";

const { data, state } = await (await fetch("/data.json")).json();
data.snaps = snapPoints({ words: data.words, motion: data.motionSpans, durationS: data.durationS });
const session = new EditSession(state, { durationS: data.durationS });
const seeks = [];
const played = [];
const plays = [];
const timeline = mountTimeline(document.getElementById("root"), {
  data, session, isReadOnly: data.isReadOnly, onPlay: (id) => plays.push(id),
  onSeek: (atS, { isToPlay }) => {
    seeks.push(atS);
    if (isToPlay) played.push(atS);
    timeline.setPlayhead(atS);
  },
});
globalThis.shown = { data, session, seeks, played, plays, timeline };
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows: the timeline's data and the edit's state as its modules take them."""

    data: Mapping[str, Any]
    state: Mapping[str, Any]
    thumbs: bytes | None = None

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Return the media type and the content of what is no file of the page; None where there is nothing."""
        if path == "/":
            styles = "".join(f'<link rel="stylesheet" href="/web/styles/{name}.css">' for name in STYLES)
            return "text/html; charset=utf-8", PAGE.format(styles=styles).encode()
        if path == "/mount.js":
            return "text/javascript", MOUNT.encode()
        if path == "/data.json":
            return "application/json", json.dumps({"data": self.data, "state": self.state}).encode()
        if path == "/thumbs.jpg" and self.thumbs is not None:
            return "image/jpeg", self.thumbs
        return None


def highlights(*spans: tuple[float, float, bool]) -> dict[str, Any]:
    """Return an edit's state of highlights with the ids h0, h1, …: from, to, and whether it is in the reel."""
    made = {
        f"h{n}": {"id": f"h{n}", "startS": start_s, "endS": end_s, "score": 0.5, "reasons": ["fast movement"]}
        for n, (start_s, end_s, _) in enumerate(spans)
    }
    return {"highlights": made, "order": [f"h{n}" for n, (_, _, is_on) in enumerate(spans) if is_on]}


@contextmanager
def served_timeline(shown: Shown) -> Iterator[str]:
    """Yield the address of a page that shows it; `window.shown` holds the session, seeks, plays and the timeline."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, shown)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, shown: Shown, *arguments: Any) -> None:
        self._shown = shown
        super().__init__(*arguments, directory=str(WEB))

    def do_GET(self) -> None:
        if self.path.startswith("/web/"):
            self.path = self.path.removeprefix("/web")
            super().do_GET()
            return
        found = self._shown.find(self.path)
        if found is None:
            self.send_error(404)
            return
        media_type, content = found
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass
