"""The reel's picture by encoding: for every frame of the reel the one on screen in the source, upright, in H.264."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from shared.domain.reel_time import ReelClip
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.filter_chain import FilterChain, Step
from shared.media.orientation import before_turning
from shared.media.timeline import Damage, ShownFrame, shown_at

HD_HEIGHT = 720  # untagged pictures from this height on are taken as BT.709, smaller ones as BT.601, as players do
KEYFRAME_EVERY_S = 2.0  # so that a reel can be scrubbed
LEAD = 0.49  # a frame is shown at the nearest place of the reel's grid, so that jitter of the clock changes nothing
HDR_CURVES = (16, 18)  # PQ (SMPTE 2084) and HLG (ARIB B67), as AVColorTransferCharacteristic
BT601, BT709, BT2020 = 5, 1, 9  # AVColorSpace
SWS_OF = {BT709: Colorspace.ITU709, BT2020: Colorspace.BT2020, 10: Colorspace.BT2020, 7: Colorspace.SMPTE240M}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the reel is encoded. A picture is a function of these and the source, so none of them is automatic."""

    crf: int = 20
    preset: str = "veryfast"
    encoder_threads: int = 2
    """x264's output depends on it: a fixed setting, never the number of cores."""
    max_fps: int = 60


def reel_size(video: Video) -> tuple[int, int]:
    """Return (width, height) of the encoded reel: as shown, odd sizes rounded up, because 4:2:0 needs even ones."""
    return video.width + video.width % 2, video.height + video.height % 2


def add_picture(output: OutputContainer, video: Video, fps: Fraction, settings: EncodeSettings) -> VideoStream:
    """Add the reel's picture stream: H.264 high, yuv420p, limited range, BT.709."""
    stream = output.add_stream("libx264", rate=fps)
    stream.width, stream.height = reel_size(video)
    stream.pix_fmt = "yuv420p"
    stream.profile = "High"
    context = stream.codec_context
    context.time_base = 1 / fps
    context.thread_count = settings.encoder_threads
    context.gop_size = max(1, round(KEYFRAME_EVERY_S * fps))
    context.color_range, context.colorspace = ColorRange.MPEG, BT709
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    # forced-idr: a clip's first frame is a real entry point; a53cc: captions of repeated frames would repeat.
    context.options = {"crf": str(settings.crf), "preset": settings.preset, "forced-idr": "1", "a53cc": "0"}
    return stream


def encode_picture(
    container: InputContainer,
    video: Video,
    clips: tuple[ReelClip, ...],
    stream: VideoStream,
    *,
    fps: Fraction,
    name: str,
    damage: Damage,
    on_frame: Callable[[int], None],
) -> Iterator[Packet[VideoStream]]:
    """Yield the encoded picture; `on_frame` is told after each frame how many are done."""
    painter = Painter(video, reel_size(video))
    for clip in clips:
        for number, frame in enumerate(_clip_frames(container, video, clip, painter, fps, damage, name=name)):
            frame.pts = clip.first_frame + number
            frame.time_base = 1 / fps
            frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
            yield from cast("list[Packet[VideoStream]]", stream.encode(frame))
            on_frame(clip.first_frame + number + 1)
    yield from cast("list[Packet[VideoStream]]", stream.encode(None))


def _clip_frames(
    container: InputContainer,
    video: Video,
    clip: ReelClip,
    painter: Painter,
    fps: Fraction,
    damage: Damage,
    *,
    name: str,
) -> Iterator[VideoFrame]:
    """Yield exactly the clip's frames, painted; when the source ends early its last one stays on screen."""
    times = (clip.start_s + n / fps for n in range(clip.frames))
    lead_s = LEAD / float(max(fps, video.fps))
    painted: VideoFrame | None = None
    key: int | None = None
    count = 0
    for _, shown in shown_at(container, video, times, damage=damage, lead_s=lead_s, steps=deinterlacing(video)):
        if painted is None or shown.pts != key:
            painted, key = painter.paint(shown), shown.pts
        count += 1
        yield painted
    if painted is None and clip.frames:
        raise BadVideo(
            "corrupt",
            f"{name}: no picture of stream {video.stream_index} ({video.codec}) can be decoded at "
            f"{clip.start_s:.2f} s{f' ({damage.last_error})' if damage else ''}; export it again.",
        )
    for _ in range(clip.frames - count):
        assert painted is not None
        yield painted


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
    """Makes the reel's pictures of decoded frames: size, pixel format, colours, upright."""

    def __init__(self, video: Video, size: tuple[int, int]) -> None:
        self.size = size
        self._coded_size = before_turning(size, video.rotation_deg)
        self._turn = FilterChain(turning(video))
        self._context = VideoReformatter()

    def paint(self, shown: ShownFrame) -> VideoFrame:
        """Return the frame as the encoder takes it; it may be the source's own one."""
        scaled = self._context.reformat(
            shown.frame,
            *self._coded_size,
            format="yuv420p",
            interpolation=Interpolation.BICUBIC,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            **_source_colours(shown.frame),
        )
        frame = self._turn.push(scaled)[0]
        frame.color_trc, frame.color_primaries = ColorTrc.BT709, ColorPrimaries.BT709
        return frame


def _source_colours(frame: VideoFrame) -> dict[str, int]:
    """Return what the frame's numbers mean, guessed where it is untagged, and a tone mapping for HDR."""
    matrix = frame.colorspace if frame.colorspace not in (0, 2) else BT709 if frame.height >= HD_HEIGHT else BT601
    is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    colours = {
        "src_colorspace": int(SWS_OF.get(matrix, Colorspace.ITU601)),
        "src_color_range": int(ColorRange.JPEG if is_full else ColorRange.MPEG),
    }
    if frame.color_trc in HDR_CURVES:
        colours |= {"dst_color_trc": int(ColorTrc.BT709), "dst_color_primaries": int(ColorPrimaries.BT709)}
    return colours
