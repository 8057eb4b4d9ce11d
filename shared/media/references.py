"""Which pictures others need, told from a packet's first bytes: nothing is decoded for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.media import h264

H264_SLICES = (1, 2, 5)  # nal_unit_type: a slice, its first partition, a slice of an IDR picture
HEVC_SPS = 33
HEVC_IDR_ALONE = 20  # IDR_N_LP: nothing decoded after it is shown before it
HEVC_SLICES = range(32)
HEVC_LAST_UNREFERENCED = 14  # nal_unit_types up to here are *_N (nothing of their layer refers to them) when even
HEVC_RANDOM_ACCESS = range(16, 24)
WITHOUT_SHOWN_TIMES = ("avi", "h264", "hevc")  # AVI and raw streams tell when to decode only


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a packet's picture is to the others."""

    is_reference: bool
    """Whether another picture may need it."""
    is_fresh: bool
    """Whether nothing decoded after it needs or is shown before anything up to it."""


Roles = Callable[[bytes | memoryview, bool], Role]
"""The role of a packet, given its bytes and whether its container calls it a keyframe."""

UNKNOWN = Role(is_reference=True, is_fresh=False)
UNREFERENCED = Role(is_reference=False, is_fresh=False)
FRESH = Role(is_reference=True, is_fresh=True)


def roles_of(codec: str, container: str, extradata: bytes | None, *, is_intra_only: bool) -> Roles | None:
    """Return what tells the roles of a stream's packets; None where they do not tell, or not when they are shown.

    `codec` and `container` are libav's names. Pictures coded as two fields are left alone: some containers keep the
    fields in packets of their own.
    """
    if is_intra_only:
        return lambda packet, is_keyframe: FRESH
    if any(each in container.split(",") for each in WITHOUT_SHOWN_TIMES):
        return None
    if codec == "h264":
        sets = h264.header_sets(extradata)  # none where they come with the pictures: then nothing is known
        return _H264(extradata).role if sets and not h264.may_have_fields(sets) else None
    if codec == "hevc":
        return _Hevc(extradata).role
    return None


@dataclass(frozen=True, slots=True)
class _H264:
    extradata: bytes | None

    def role(self, packet: bytes | memoryview, is_keyframe: bool) -> Role:
        # All slices of a picture agree on nal_ref_idc being 0 (ITU-T H.264, 7.4.1), so the first one tells.
        for unit in h264.units(packet, self.extradata):
            kind = unit[0] & 0x1F
            if kind in H264_SLICES:
                if kind == h264.IDR:
                    return FRESH
                return UNKNOWN if is_keyframe or unit[0] & 0x60 else UNREFERENCED
        return UNKNOWN


class _Hevc:
    def __init__(self, extradata: bytes | None) -> None:
        self._lengths, header = _hevc_header(extradata)
        self._highest = max((_highest_layer(unit) for unit in header if _hevc_kind(unit) == HEVC_SPS), default=-1)

    def role(self, packet: bytes | memoryview, is_keyframe: bool) -> Role:
        for unit in h264.units_behind(packet, self._lengths):
            if len(unit) < 3:
                continue
            kind = _hevc_kind(unit)
            if kind == HEVC_SPS:
                self._highest = max(self._highest, _highest_layer(unit))
            elif kind in HEVC_SLICES:
                if kind == HEVC_IDR_ALONE:
                    return FRESH
                # A *_N picture may still be needed by pictures of higher temporal layers.
                is_free = kind <= HEVC_LAST_UNREFERENCED and kind % 2 == 0 and (unit[1] & 7) - 1 == self._highest
                return UNREFERENCED if is_free and not is_keyframe else UNKNOWN
        return UNKNOWN


def _hevc_kind(unit: bytes | memoryview) -> int:
    return unit[0] >> 1 & 0x3F


def _highest_layer(sps: bytes | memoryview) -> int:
    """Return sps_max_sub_layers_minus1 (ITU-T H.265, 7.3.2.2.1): the highest temporal layer there is."""
    return sps[2] >> 1 & 7


def _hevc_header(extradata: bytes | None) -> tuple[int, list[memoryview]]:
    """Return how many bytes tell a unit's length (0: start codes), and the units of an hvcC or of the header."""
    if not extradata or extradata[0] != 1 or len(extradata) < 23:
        return 0, [unit for unit in h264.units_behind(extradata or b"", 0) if len(unit) > 2]
    return (extradata[21] & 3) + 1, list(_hvcc_units(memoryview(extradata)))


def _hvcc_units(header: memoryview) -> Iterator[memoryview]:
    at = 23
    for _ in range(header[22]):
        count = int.from_bytes(header[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(header[at : at + 2], "big")
            unit = header[at + 2 : at + 2 + size]
            if len(unit) > 2:
                yield unit
            at += 2 + size
