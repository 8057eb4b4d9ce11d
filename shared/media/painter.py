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
BT601, BT709 = 6, 1  # AVColorSpace
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
PRIMARIES = {1: "bt709", 9: "bt2020", 11: "smpte431", 12: "smpte432"}  # AVColorPrimaries that people can tell apart
FULL_RANGE = 2  # AVColorRange
PLANAR_420 = ("yuv420p", "yuvj420p", "yuv420p10le", "yuv420p12le")

Kind = tuple[int, int, str, int, int, int, int]
"""What the filters for a frame depend on: width, height, pixel format, matrix, range, curve, primaries."""


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
    """Makes pictures of one size of decoded frames: yuv420p, limited range, BT.709."""

    def __init__(self, video: Video, size: tuple[int, int]) -> None:
        self.size = size
        self.graph = ""
        """The filters the latest kind of frame goes through; empty when it is taken as it is."""
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
                steps = tone_mapping(frame, self._coded_size, cube)
            else:
                steps = colouring(frame, self._coded_size)
            self._chains[kind] = chain = FilterChain(steps + self._turn)
            self.graph = str(chain)
            return chain.push(frame)[0]  # builds the filters, which read their files only then


def colouring(frame: VideoFrame, size: tuple[int, int]) -> tuple[Step, ...]:
    """Return the filters that make an SDR frame yuv420p of the size (width, height), limited range, BT.709.

    `colorspace` works on the planes as they are and takes half the time of `scale`, which goes by way of RGB.
    """
    matrix, is_full = _matrix(frame), _is_full(frame)
    primaries = PRIMARIES.get(frame.color_primaries, "bt709")
    fits = frame.format.name in PLANAR_420 and (frame.width, frame.height) == size
    if fits and frame.format.name == "yuv420p" and matrix == primaries == "bt709" and not is_full:
        return ()
    if not fits and primaries == "bt709" and (matrix == "bt709" or frame.format.is_rgb):
        return _scaling(frame, size, pixel_format="yuv420p", matrix="bt709", is_full=False)
    before = () if fits else _scaling(frame, size, pixel_format="yuv420p10le", matrix=matrix, is_full=is_full)
    space = "bt2020nc" if matrix == "bt2020" else matrix
    source = f"ispace={space}:irange={_range(is_full)}:iprimaries={primaries}:itrc=bt709"
    return (*before, ("colorspace", f"{source}:space=bt709:range=tv:primaries=bt709:trc=bt709:format=yuv420p"))


def tone_mapping(frame: VideoFrame, size: tuple[int, int], cube: Path) -> tuple[Step, ...]:
    """Return the filters that make an HDR frame yuv420p of the size (width, height), limited range, BT.709.

    16 bits per colour are what `lut3d` is fastest with.
    """
    return (
        *_scaling(frame, size, pixel_format="gbrp16le", matrix="bt2020", is_full=True),
        ("lut3d", f"file={_escaped(cube)}"),
        ("scale", "flags=bilinear:out_color_matrix=bt709:out_range=tv"),
        ("format", "yuv420p"),
    )


def _scaling(
    frame: VideoFrame, size: tuple[int, int], *, pixel_format: str, matrix: str, is_full: bool
) -> tuple[Step, ...]:
    source = f"in_color_matrix={_matrix(frame)}:in_range={_range(_is_full(frame))}"
    wanted = f"out_color_matrix={matrix}:out_range={_range(is_full)}"
    return (("scale", f"{size[0]}:{size[1]}:flags=bicubic:{source}:{wanted}"), ("format", pixel_format))


def _matrix(frame: VideoFrame) -> str:
    """Return how the frame's numbers are colours, guessed where it is untagged."""
    return MATRICES.get(frame.colorspace, MATRICES[BT709 if frame.height >= HD_HEIGHT else BT601])


def _is_full(frame: VideoFrame) -> bool:
    return frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")


def _range(is_full: bool) -> str:
    return "pc" if is_full else "tv"


def _escaped(path: Path) -> str:
    return "".join(f"\\{each}" if each in "\\':" else each for each in path.as_posix())
