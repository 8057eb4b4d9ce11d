"""What an H.264 packet holds, as far as cutting needs to know."""

from collections.abc import Iterator

IDR = 5  # nal_unit_type of a picture after which nothing refers to anything before it


def is_entry_point(packet: bytes, extradata: bytes | None) -> bool:
    """Return whether decoding can begin at the packet as if the stream began there.

    A keyframe of an open GOP is none: players drop some frames around it when what came before is not what it expects.
    """
    lengths = (extradata[4] & 3) + 1 if extradata and len(extradata) > 4 and extradata[0] == 1 else 0
    units = _length_prefixed(packet, lengths) if lengths else _start_coded(packet)
    return any(unit & 0x1F == IDR for unit in units)


def _length_prefixed(packet: bytes, lengths: int) -> Iterator[int]:
    """Yield the first byte of each unit of an MP4 or MKV packet."""
    at = 0
    while at + lengths < len(packet):
        yield packet[at + lengths]
        at += lengths + int.from_bytes(packet[at : at + lengths], "big")


def _start_coded(packet: bytes) -> Iterator[int]:
    """Yield the first byte of each unit of an MPEG-TS packet."""
    at = packet.find(b"\0\0\1")
    while 0 <= at < len(packet) - 3:
        yield packet[at + 3]
        at = packet.find(b"\0\0\1", at + 3)
