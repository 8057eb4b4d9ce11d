"""An MP4 whose second part has a sample entry of its own, as editors write it that join without encoding."""

import struct
from pathlib import Path

AROUND = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def add_sample_entry(path: Path, other: Path, *, first_samples: int) -> None:
    """Say that the samples after the first ones are what `other` describes; one track, its index at the end."""
    data = path.read_bytes()
    sizes_of = _body(data, b"stsz")
    (count,) = struct.unpack_from(">I", sizes_of, 8)
    sizes = struct.unpack_from(f">{count}I", sizes_of, 12)
    (begins,) = struct.unpack_from(">I", _body(data, b"stco"), 8)
    entries = _body(data, b"stsd")[8:] + _body(other.read_bytes(), b"stsd")[8:]
    data = _with(data, b"stsd", struct.pack(">II", 0, 2) + entries)
    data = _with(data, b"stsc", struct.pack(">8I", 0, 2, 1, first_samples, 1, 2, count - first_samples, 2))
    data = _with(data, b"stco", struct.pack(">4I", 0, 2, begins, begins + sum(sizes[:first_samples])))
    path.write_bytes(data)


def _body(data: bytes, kind: bytes) -> bytes:
    at = data.index(kind) - 4
    return data[at + 8 : at + struct.unpack_from(">I", data, at)[0]]


def _with(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Return the file with another body in the box, and the boxes around it as long as they now are."""
    at = data.index(kind) - 4
    (size,) = struct.unpack_from(">I", data, at)
    longer = 8 + len(body) - size
    changed = bytearray(data[:at] + struct.pack(">I", 8 + len(body)) + kind + body + data[at + size :])
    for outer in AROUND:
        place = data.index(outer) - 4
        struct.pack_into(">I", changed, place, struct.unpack_from(">I", data, place)[0] + longer)
    return bytes(changed)
