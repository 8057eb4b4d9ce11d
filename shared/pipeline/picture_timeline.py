"""`timeline.png`: the whole source in one picture, with what was found in it and why."""

from pathlib import Path
from typing import BinaryIO

from shared.domain.edit_list import EditList
from shared.domain.job import Job
from shared.domain.motion import looks
from shared.domain.running_text import joined
from shared.domain.transcript import sentences
from shared.domain.video import Media, Video
from shared.media.decode import frame_at
from shared.media.timeline_picture import Spoken, Thumbnail, TimelineContent, thumbnail_times_s, write_timeline
from shared.pipeline.choose import Chosen
from shared.pipeline.read_analysis import Analysis

THUMBNAIL_PX = 320  # the longer side; the picture shows them smaller


def picture_timeline(
    path: Path, file: BinaryIO, job: Job, media: Media, analysis: Analysis, chosen: Chosen, edit: EditList
) -> None:
    """Draw what was found in the source and what the reel shows of it."""
    name = job.source.file_name
    spoken = None
    if analysis.transcript is not None:
        spoken = [Spoken(span=each.span, text=joined(each.words)) for each in sentences(analysis.transcript.words)]
    is_somebodys = job.is_given or chosen.clips is not None
    content = TimelineContent(
        title=name,
        duration_s=media.duration_s,
        reel_s=edit.duration_s,
        clips=len(edit.clips),
        highlights=chosen.highlights if chosen.clips is None else chosen.clips,
        is_best_first=chosen.order == "score" and not is_somebodys,
        is_given=is_somebodys,
        thumbnails=_thumbnails(file, media, name=name) if isinstance(media, Video) else (),
        looks=looks(analysis.samples) if job.stages["pose"].state == "done" else None,
        movement_threshold=job.options.motion.movement_threshold,
        spoken=spoken,
    )
    write_timeline(path, content)


def _thumbnails(file: BinaryIO, video: Video, *, name: str) -> list[Thumbnail]:
    times_s = thumbnail_times_s(video.duration_s, aspect=video.width / video.height)
    frames = ((t_s, frame_at(file, video, t_s, name=name)) for t_s in times_s)
    return [Thumbnail(t_s=t_s, picture=frame.rgb(None, max_side_px=THUMBNAIL_PX)) for t_s, frame in frames if frame]
