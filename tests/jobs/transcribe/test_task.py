"""The task as the platform starts it, on a video with a voice in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.task import Task
from jobs.transcribe import __main__ as transcribe_task
from shared.connect import connect_local
from shared.domain import job as jobs
from shared.domain.object_names import source, spoken_language
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.units import plan_chunks
from shared.media.probe import probe
from shared.pipeline.transcribe import join_parts, part_from_json
from shared.settings import Settings
from tests.shared.domain.records import JOB_ID, a_job


@pytest.mark.models
def test_a_task_writes_down_what_is_said_in_its_chunk(
    media_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribe_task, "MODEL", "whisper_tiny_en")
    video_file = media_file("faces/host_walk_talk_720p.mp4")
    settings = Settings(home=tmp_path)
    with open(video_file, "rb") as file:
        video = probe(file, name=video_file.name)
    plan = plan_chunks(duration_s=video.duration_s, unit_s=SPEECH_UNIT_S, chunk_s=60, max_tasks=200)
    with connect_local(settings) as cloud:
        cloud.uploads.upload(video_file, source(JOB_ID))
        generation = cloud.uploads.stat(source(JOB_ID)).generation
        job = jobs.uploaded(a_job(), generation=generation, size_bytes=video_file.stat().st_size, deadline=9e9)
        job = jobs.planned(job, media=video, plans={"transcribe": plan}, warnings=(), deadline=9e9)
        told: list[float] = []
        ready: list[bool] = []
        task = Task(
            cloud=cloud, settings=settings, job=job, chunk=0, progress=told.append, ready=lambda: ready.append(not told)
        )
        work = transcribe_task.Transcribe()
        part = work(task)
        again = work(task)
        assert again.body == part.body
        assert (part.numbers["heard"], again.numbers["heard"]) == (1, 0), "the same sound is transcribed once"
        assert ready == [True, False], "told before the first position"
        assert b'"en"' in cloud.work.read(spoken_language(JOB_ID))
    words = join_parts([part_from_json(part.body)]).transcript.words
    assert "local" in " ".join(word.text for word in words)
    assert part.numbers["words"] == len(words) > 20
    assert told[-1] == 1.0
