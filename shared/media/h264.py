"""What an H.264 packet or header holds, as far as cutting needs to know."""

from collections.abc import Iterator

IDR = 5  # nal_unit_type of a picture after which nothing refers to anything before it
SPS, PPS, SPS_EXTENSION, SUBSET_SPS = 7, 8, 13, 15
PARAMETER_SETS = (SPS, PPS, SPS_EXTENSION, SUBSET_SPS)
WITH_CHROMA_FORMAT = (44, 83, 86, 100, 110, 118, 122, 128, 138, 139, 244)  # profile_idc whose SPS is longer


def is_entry_point(packet: bytes, extradata: bytes | None) -> bool:
    """Return whether decoding can begin at the packet as if the stream began there.

    A keyframe of an open GOP is none: players drop some frames around it when what came before is not what it expects.
    """
    return any(unit[0] & 0x1F == IDR for unit in units(packet, extradata))


def parameter_sets(packet: bytes, extradata: bytes | None) -> frozenset[bytes]:
    """Return the parameter sets a packet brings along, whole, without the zeros some muxers put behind them."""
    return frozenset(bytes(unit).rstrip(b"\0") for unit in units(packet, extradata) if unit[0] & 0x1F in PARAMETER_SETS)


def header_sets(extradata: bytes | None) -> frozenset[bytes]:
    """Return the parameter sets of a stream's header: an MP4's or MKV's avcC, or units behind start codes."""
    if not _length_bytes(extradata):
        return parameter_sets(extradata or b"", None)
    assert extradata is not None
    found: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):  # sequence sets, then picture sets
        if at >= len(extradata):
            break
        count = extradata[at] & mask
        at += 1
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            found.append(extradata[at + 2 : at + 2 + size].rstrip(b"\0"))
            at += 2 + size
    return frozenset(each for each in found if each)


def may_have_fields(sets: frozenset[bytes]) -> bool:
    """Return whether one of the parameter sets allows pictures to be coded as two fields, or cannot be read."""
    return not all(_is_progressive(each) for each in sets if each[0] & 0x1F == SPS)


def _length_bytes(extradata: bytes | None) -> int:
    """Return how many bytes tell a unit's length in packets, 0 where units follow start codes."""
    return (extradata[4] & 3) + 1 if extradata and len(extradata) > 4 and extradata[0] == 1 else 0


def units(packet: bytes | memoryview, extradata: bytes | None) -> Iterator[memoryview]:
    """Yield each unit (ITU-T H.264, 7.3.1) of a packet; none is empty."""
    return units_behind(packet, _length_bytes(extradata))


def units_behind(packet: bytes | memoryview, lengths: int) -> Iterator[memoryview]:
    """Yield each unit of an H.264 or HEVC packet, behind lengths of so many bytes, or start codes (0)."""
    return _length_prefixed(packet, lengths) if lengths else _start_coded(bytes(packet))


def _length_prefixed(packet: bytes | memoryview, lengths: int) -> Iterator[memoryview]:
    """Yield each unit of an MP4 or MKV packet; none is empty."""
    view = memoryview(packet)
    at = 0
    while at + lengths < len(packet):
        size = int.from_bytes(view[at : at + lengths], "big")
        at += lengths
        if size:
            yield view[at : at + size]
        at += size


def _start_coded(packet: bytes) -> Iterator[memoryview]:
    """Yield each unit of an MPEG-TS packet; none is empty."""
    view = memoryview(packet)
    at = packet.find(b"\0\0\1")
    while 0 <= at < len(packet) - 3:
        beyond = packet.find(b"\0\0\1", at + 3)
        yield view[at + 3 : beyond if beyond >= 0 else len(packet)]
        at = beyond


def _is_progressive(sps: bytes) -> bool:
    """Return frame_mbs_only_flag of a sequence parameter set (ITU-T H.264, 7.3.2.1.1)."""
    try:
        return _frames_only(_Bits(sps[1:].replace(b"\0\0\3", b"\0\0")))
    except IndexError:
        return False


class _Bits:
    """Reads bits and Exp-Golomb codes; IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data[:256])
        self._at = 0

    def take(self, count: int) -> int:
        piece = self._bits[self._at : self._at + count]
        if len(piece) < count:
            raise IndexError
        self._at += count
        return int(piece, 2) if piece else 0

    def code(self) -> int:
        zeros = 0
        while self.take(1) == 0:
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_code(self) -> int:
        value = self.code()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _frames_only(bits: _Bits) -> bool:
    profile = bits.take(8)
    bits.take(16)  # constraints and level
    bits.code()  # its id
    if profile in WITH_CHROMA_FORMAT:
        _skip_chroma_format(bits)
    bits.code()  # log2_max_frame_num
    order_type = bits.code()
    if order_type == 0:
        bits.code()
    elif order_type == 1:
        bits.take(1)
        bits.code()
        bits.code()
        for _ in range(bits.code()):
            bits.code()
    bits.code()  # max_num_ref_frames
    bits.take(1)
    bits.code()  # width
    bits.code()  # height
    return bool(bits.take(1))


def _skip_chroma_format(bits: _Bits) -> None:
    chroma = bits.code()
    if chroma == 3:
        bits.take(1)
    bits.code()  # bit depths
    bits.code()
    bits.take(1)
    if not bits.take(1):  # no scaling matrix
        return
    for number in range(8 if chroma != 3 else 12):
        if bits.take(1):
            _skip_scaling_list(bits, 16 if number < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_code()) % 256
        last = following or last
