"""From a decoded frame to the reel's picture: size, pixel format, colours of SDR television, upright."""

from contextlib import ExitStack
from pathlib import Path

from av.video.frame import VideoFrame

from shared.domain.video import Video
from shared.media.filter_chain import FilterChain, Step
from shared.media.orientation import before_turning
from shared.media.timeline import ShownFrame
from shared.media.tone_map import HDR_CURVES, cube_file

HD_HEIGHT = 720  # untagged pictures from this height on are taken as BT.709, smaller ones as BT.601, as players do
BT601, BT709, BT2020 = 6, 1, 9  # AVColorSpace, and AVColorPrimaries
KEPT_MATRICES = (1, 5, 6)  # every player knows them: changing one into another only loses
KEPT_PRIMARIES = (1, 5, 6)  # AVColorPrimaries
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
PRIMARIES = {1: "bt709", 9: "bt2020", 11: "smpte431", 12: "smpte432"}  # AVColorPrimaries that people can tell apart
FULL_RANGE = 2  # AVColorRange
PLANAR_420 = ("yuv420p", "yuvj420p", "yuv420p10le", "yuv420p12le")

Colours = tuple[int, int]
"""Colour matrix and primaries, as AVColorSpace and AVColorPrimaries."""
Kind = tuple[int, int, str, int, int, int, int]
"""What the filters for a frame depend on: width, height, pixel format, matrix, range, curve, primaries."""


def colour_matrix(frame: VideoFrame) -> int:
    """Return how the frame's numbers are colours (AVColorSpace), guessed where it is untagged."""
    if frame.colorspace in MATRICES:
        return frame.colorspace
    if frame.color_trc in HDR_CURVES or frame.color_primaries == BT2020:
        return BT2020
    return BT709 if frame.height >= HD_HEIGHT else BT601


def kept_colours(frame: VideoFrame) -> Colours:
    """Return the colours of a reel whose source has such frames: its own where every player knows them, else BT.709."""
    matrix, primaries = colour_matrix(frame), frame.color_primaries
    if frame.color_trc in HDR_CURVES or matrix not in KEPT_MATRICES:
        return BT709, BT709
    return matrix, primaries if primaries in KEPT_PRIMARIES else BT709


def deinterlacing(video: Video) -> tuple[Step, ...]:
    """Return the filters that make whole pictures of an interlaced source's fields, one per frame."""
    return (("bwdif", "mode=send_frame:deint=interlaced"),) if video.is_interlaced else ()


def turning(video: Video) -> tuple[Step, ...]:
    """Return the filters that show the coded picture upright."""
    turns: dict[int, tuple[Step, ...]] = {
        0: (),
        90: (("transpose", "clock"),),
        180: (("hflip", ""), ("vflip", "")),
        270: (("transpose", "cclock"),),
    }
    return turns[video.rotation_deg] + ((("hflip", ""),) if video.is_mirrored else ())


class Painter:
    """Makes pictures of one size of decoded frames: yuv420p, limited range, SDR, all in one colour matrix.

    `matrix` is that one, as AVColorSpace: one of `KEPT_MATRICES`.
    """

    def __init__(self, video: Video, size: tuple[int, int], *, matrix: int = BT709) -> None:
        self.size = size
        self.graph = ""
        """The filters the latest kind of frame goes through; empty when it is taken as it is."""
        self._matrix = MATRICES[matrix]
        self._coded_size = before_turning(size, video.rotation_deg)
        self._turn = turning(video)
        self._chains: dict[Kind, FilterChain] = {}

    def paint(self, shown: ShownFrame) -> VideoFrame:
        """Return the frame as the encoder takes it; it may be the source's own one."""
        frame = shown.frame
        kind = (
            frame.width,
            frame.height,
            frame.format.name,
            frame.colorspace,
            frame.color_range,
            frame.color_trc,
            frame.color_primaries,
        )
        chain = self._chains.get(kind)
        return chain.push(frame)[0] if chain is not None else self._first_of(kind, frame)

    def _first_of(self, kind: Kind, frame: VideoFrame) -> VideoFrame:
        with ExitStack() as files:
            if frame.color_trc in HDR_CURVES:
                is_wide = frame.color_primaries != BT709
                cube = files.enter_context(cube_file(curve=frame.color_trc, is_wide=is_wide))
                steps = tone_mapping(frame, self._coded_size, cube, matrix=self._matrix)
            else:
                steps = colouring(frame, self._coded_size, matrix=self._matrix)
            self._chains[kind] = chain = FilterChain(steps + self._turn)
            self.graph = str(chain)
            return chain.push(frame)[0]  # builds the filters, which read their files only then


def colouring(frame: VideoFrame, size: tuple[int, int], *, matrix: str) -> tuple[Step, ...]:
    """Return the filters that make an SDR frame yuv420p of the size (width, height), limited range, in the matrix.

    `colorspace` works on the planes as they are and takes half the time of `scale`, which goes by way of RGB.
    """
    source, is_full = MATRICES[colour_matrix(frame)], _is_full(frame)
    primaries = PRIMARIES.get(frame.color_primaries, "bt709")
    fits = frame.format.name in PLANAR_420 and (frame.width, frame.height) == size
    if fits and frame.format.name == "yuv420p" and source == matrix and primaries == "bt709" and not is_full:
        return ()
    if not fits and primaries == "bt709" and (source == matrix or frame.format.is_rgb):
        return _scaling(frame, size, pixel_format="yuv420p", matrix=matrix, is_full=False)
    before = () if fits else _scaling(frame, size, pixel_format="yuv420p10le", matrix=source, is_full=is_full)
    space = "bt2020nc" if source == "bt2020" else source
    goes_in = f"ispace={space}:irange={_range(is_full)}:iprimaries={primaries}:itrc=bt709"
    comes_out = f"space={matrix}:range=tv:primaries=bt709:trc=bt709:format=yuv420p"
    return (*before, ("colorspace", f"{goes_in}:{comes_out}"))


def tone_mapping(frame: VideoFrame, size: tuple[int, int], cube: Path, *, matrix: str) -> tuple[Step, ...]:
    """Return the filters that make an HDR frame yuv420p of the size (width, height), limited range, in the matrix.

    16 bits per colour are what `lut3d` is fastest with.
    """
    return (
        *_scaling(frame, size, pixel_format="gbrp16le", matrix="bt2020", is_full=True),
        ("lut3d", f"file={_escaped(cube)}"),
        ("scale", f"flags=bilinear:out_color_matrix={matrix}:out_range=tv"),
        ("format", "yuv420p"),
    )


def _scaling(
    frame: VideoFrame, size: tuple[int, int], *, pixel_format: str, matrix: str, is_full: bool
) -> tuple[Step, ...]:
    source = f"in_color_matrix={MATRICES[colour_matrix(frame)]}:in_range={_range(_is_full(frame))}"
    wanted = f"out_color_matrix={matrix}:out_range={_range(is_full)}"
    return (("scale", f"{size[0]}:{size[1]}:flags=bicubic:{source}:{wanted}"), ("format", pixel_format))


def _is_full(frame: VideoFrame) -> bool:
    return frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")


def _range(is_full: bool) -> str:
    return "pc" if is_full else "tv"


def _escaped(path: Path) -> str:
    return "".join(f"\\{each}" if each in "\\':" else each for each in path.as_posix())
