"""The transcribe task: `python -m jobs.transcribe JOB_ID RUN_ID`."""

import time

from jobs.task import Part, Task, main
from shared.errors import BadVideo
from shared.models.fetch import ensure
from shared.models.manifest import find_model
from shared.pipeline.pinned_source import open_source

MODEL = "whisper_base"


def analyse(task: Task) -> Part:
    """Return what is said in the chunk."""
    from jobs.transcribe.recognizer import WhisperRecognizer  # loads a model runtime: only in the task that needs it
    from shared.media.speech_sound import speech_track
    from shared.pipeline.transcribe import find_language, part_to_json, share_language, transcribe_chunk

    started_at = time.monotonic()
    media, name = task.job.media, task.job.source.file_name
    if media is None:
        raise RuntimeError(f"job {task.job.id} is transcribed without having been probed")
    model = ensure(MODEL, cache_dir=task.settings.models)
    recognizer = WhisperRecognizer(
        model, model_version=find_model(MODEL).sha256[:12], threads=task.settings.threads_per_task
    )
    plan = task.job.stages["transcribe"].plan
    with open_source(task.cloud, task.job) as file:
        track = speech_track(file, media, name=name, language=task.job.options.audio_language)
        if track is None:
            raise BadVideo("no_sound", f"{name}: it has no sound that can be decoded.")
        start_up_s = round(time.monotonic() - started_at, 3)
        language = share_language(
            task.cloud,
            task.job.id,
            lambda: find_language(
                file, track, plan=plan, duration_s=media.duration_s, recognizer=recognizer, name=name
            ),
        )
        part = transcribe_chunk(
            file,
            track,
            plan=plan,
            chunk=task.chunk,
            duration_s=media.duration_s,
            language=language,
            recognizer=recognizer,
            name=name,
            on_progress=task.progress,
        )
    return Part(body=part_to_json(part), numbers={"start_up_s": start_up_s, "words": len(part.words)})


if __name__ == "__main__":
    main("transcribe", analyse)
