"""Clips made worse on purpose, by overwriting what a packet holds."""

from pathlib import Path

import av


def spoil(path: Path, *, start_s: float, end_s: float) -> Path:
    """Overwrite the picture packets shown in [start_s, end_s) of an MP4 with zeros, which no decoder accepts."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.pts is None or packet.time_base is None or packet.pos is None:
                continue
            if start_s <= float(packet.pts * packet.time_base) < end_s:
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    spoiled = path.with_name(f"spoiled_{start_s:g}_{end_s:g}.mp4")
    spoiled.write_bytes(data)
    return spoiled


def index_first(path: Path) -> Path:
    """Return a copy of an MP4 whose index comes first, as files for the web have it."""
    return _rewritten(path, "index_first", {"movflags": "+faststart"})


def encrypt(path: Path) -> Path:
    """Return a copy of an MP4 with Common Encryption: sample entry `encv`, no key with it."""
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "07" * 16, "encryption_kid": "0b" * 16}
    return _rewritten(path, "encrypted", key)


def _rewritten(path: Path, word: str, options: dict[str, str]) -> Path:
    made = path.with_name(f"{word}_{path.name}")
    with (
        av.open(str(path)) as source,
        av.open(str(made), "w", format="mp4", container_options=options) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return made


def cut_off(path: Path, *, share: float) -> Path:
    """Return a copy that ends after a share of the bytes."""
    data = path.read_bytes()
    made = path.with_name(f"cut_{share:g}_{path.name}")
    made.write_bytes(data[: round(share * len(data))])
    return made


def rename_codec(path: Path, fourcc: bytes) -> Path:
    """Return a copy of an H.264 MP4 whose sample description says it is something else."""
    data = path.read_bytes()
    assert data.count(b"avc1") >= 1
    at = data.index(b"avc1", data.index(b"stsd"))
    made = path.with_name(f"as_{fourcc.decode()}_{path.name}")
    made.write_bytes(data[:at] + fourcc + data[at + 4 :])
    return made
