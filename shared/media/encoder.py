"""How the reel's picture is encoded: H.264 by x264, whose output is a function of its settings and its input."""

from __future__ import annotations  # VideoStream is generic for the type checker only

from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, ColorTrc
from av.video.stream import VideoStream

from shared.domain.options import Quality
from shared.domain.video import Video
from shared.media.painter import Colours

KEYFRAME_EVERY_S = 8.0  # beside each clip's first frame; every 2 s made reels of a still camera 30 % larger
LEAST_LOOKAHEAD, LOOKAHEAD_BYTES = 10, 96 << 20  # 30 frames up to 1080p, 10 of 4K; x264 holds twice as much
CPU_AVX_512F = 13  # of OpenCV's CpuFeatures, which it gives Python no names for


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the reel is encoded. A picture is a function of these and the source, so none of them is automatic."""

    crf: float = 22
    preset: str = "veryfast"
    encoder_threads: int = 2
    """How many pieces of the reel are encoded at once, each by an encoder of one thread; the picture is the same."""
    max_fps: int = 60
    lookahead: int = 30
    """Frames that the encoder looks ahead, fewer where they are large: it holds them all."""
    x264: tuple[tuple[str, str], ...] = ()
    """Further options of libx264 (name, value), over the preset's."""

    def __str__(self) -> str:
        more = "".join(f", {name} {value}" for name, value in self.x264)
        return f"libx264 {self.preset}, CRF {self.crf:g}, {self.encoder_threads} pieces at once{more}"


def encode_settings(quality: Quality, *, encoder_threads: int) -> EncodeSettings:
    """Return the settings that a quality stands for; see docs/decisions/0015 for what was measured."""
    return replace(QUALITIES[quality], encoder_threads=encoder_threads)


QUALITIES: dict[Quality, EncodeSettings] = {
    "draft": EncodeSettings(preset="superfast", crf=25, lookahead=10),
    "standard": EncodeSettings(preset="veryfast", crf=22, x264=(("trellis", "1"),)),
    "high": EncodeSettings(preset="fast", crf=18),
}


def reel_size(video: Video) -> tuple[int, int]:
    """Return (width, height) of the encoded reel: as shown, odd sizes rounded up, because 4:2:0 needs even ones."""
    return video.width + video.width % 2, video.height + video.height % 2


def add_picture(output: OutputContainer, video: Video, fps: Fraction, settings: EncodeSettings) -> VideoStream:
    """Add the reel's picture stream: H.264 high, yuv420p, limited range, the curve of BT.709."""
    stream = output.add_stream("libx264", rate=fps)
    _configure(stream.codec_context, reel_size(video), fps, settings)
    return stream


def piece_encoder(
    size: tuple[int, int], fps: Fraction, settings: EncodeSettings, colours: Colours
) -> VideoCodecContext:
    """Return an encoder whose stream goes on one that `add_picture` began."""
    context = VideoCodecContext.create("libx264", "w")
    context.framerate = fps
    context.flags |= Flags.global_header  # MP4 wants the parameter sets in its header only
    _configure(context, size, fps, settings)
    context.colorspace, context.color_primaries = colours
    return context


def _configure(context: VideoCodecContext, size: tuple[int, int], fps: Fraction, settings: EncodeSettings) -> None:
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.profile = "High"
    context.time_base = 1 / fps
    context.thread_count = 1  # pieces side by side keep all cores busy; threads of one encoder wait for each other
    context.gop_size = max(1, round(KEYFRAME_EVERY_S * fps))
    context.color_range, context.color_trc = ColorRange.MPEG, ColorTrc.BT709
    held = LOOKAHEAD_BYTES // (size[0] * size[1] * 3 // 2)
    context.options = {
        "crf": str(settings.crf),
        "preset": settings.preset,
        "rc-lookahead": str(max(LEAST_LOOKAHEAD, min(settings.lookahead, held))),
        "forced-idr": "1",  # a clip's first frame is a real entry point
        "a53cc": "0",  # captions of repeated frames would repeat
        **_repeatable(),
        **dict(settings.x264),
    }


def _repeatable() -> dict[str, str]:
    """Return options that make x264's output a function of its input.

    Its AVX-512 code for macroblock trees is not: where the width in macroblocks is no multiple of 16 (1920 pixels are
    120), up to half of the runs differed. Machines without AVX-512 give what AVX2 gives.
    """
    return {"x264-params": "asm=AVX2"} if cv2.checkHardwareSupport(CPU_AVX_512F) else {}
