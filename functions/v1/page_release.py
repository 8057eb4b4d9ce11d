"""One version of the page: its files under an address of their own, and the document that names all of its modules.

A browser may keep such files for good, and never mixes modules of two versions. Naming every module in the document
spares it a journey for each step of the imports.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DIGEST = re.compile(r"[0-9a-f]{16}", re.ASCII)
ADDRESS = re.compile(r'(?<==")/web/')
SCRIPT = re.compile(r'[ \t]*<script type="module" src="/web/([^"]+)"')
IMPORT = re.compile(r'^(?:import\b|export\s*[{*])[^;"]*"(\.[^"]+)";', re.ASCII | re.MULTILINE)
"""Of a module beside it, when it is loaded itself; imports in comments begin no line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file as it is sent."""

    content: bytes
    media_type: str
    etag: str
    """Of its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The files by name as they were together, and the digest of them all."""

    digest: str
    files: Mapping[str, WebFile]
    document: WebFile


def released(files: Mapping[str, WebFile], *, document: str) -> Release:
    """Return the version that these files make; `document` names the one that leads to the others."""
    whole = hashlib.sha256("".join(f"{name} {files[name].etag}\n" for name in sorted(files)).encode())
    digest = whole.hexdigest()[:16]
    shown = files[document]
    text = ADDRESS.sub(f"/web/{digest}/", with_preloads(shown.content.decode(), files)).encode()
    return Release(
        digest=digest, files=files, document=WebFile(content=text, media_type=shown.media_type, etag=etag_of(text))
    )


def etag_of(content: bytes) -> str:
    """Return the entity tag of a content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def with_preloads(document: str, files: Mapping[str, WebFile]) -> str:
    """Return the document with a line for each module that its scripts import, straight or by another."""
    script = SCRIPT.search(document)
    if script is None:
        return document
    lines = (f'    <link rel="modulepreload" href="/web/{name}">\n' for name in imported([script[1]], files))
    return document[: script.start()] + "".join(lines) + document[script.start() :]


def imported(entries: Iterable[str], files: Mapping[str, WebFile]) -> list[str]:
    """Return the names of what these modules import, nearest first; what is not among the files is left out."""
    found = list(dict.fromkeys(entries))
    begun = len(found)
    for name in found:  # which grows meanwhile
        if name not in files:
            continue
        for address in IMPORT.findall(files[name].content.decode()):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
            if target in files and target not in found:
                found.append(target)
    return found[begun:]
