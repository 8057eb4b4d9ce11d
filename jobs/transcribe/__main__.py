"""The transcribe task: `python -m jobs.transcribe JOB_ID RUN_ID`."""

from typing import TYPE_CHECKING

from jobs.task import Part, Task, main
from shared.errors import BadVideo
from shared.models.fetch import ensure
from shared.models.manifest import find_model
from shared.pipeline.pinned_source import open_source

if TYPE_CHECKING:  # loads a model runtime: only in the task that needs it
    from jobs.transcribe.recognizer import WhisperRecognizer

MODEL = "whisper_base"


class Transcribe:
    """The stage's work; the model is loaded for the first sound never heard before and serves what follows."""

    def __init__(self) -> None:
        self._recognizer: WhisperRecognizer | None = None

    def __call__(self, task: Task) -> Part:
        """Return what is said in the chunk."""
        from shared.media.speech_sound import speech_track
        from shared.pipeline.remembered_speech import RememberedSpeech
        from shared.pipeline.transcribe import find_language, part_to_json, share_language, transcribe_chunk

        media, name = task.job.media, task.job.source.file_name
        if media is None:
            raise RuntimeError(f"job {task.job.id} is transcribed without having been probed")
        recognizer = RememberedSpeech(
            recognizer=self._prepared(task), store=task.cloud.work, owner=task.job.owner, job_id=task.job.id
        )
        options = task.job.options
        plan = task.job.stages["transcribe"].plan
        with open_source(task.cloud, task.job) as file:
            track = speech_track(file, media, name=name, language=options.audio_language)
            if track is None:
                raise BadVideo("no_sound", f"{name}: it has no sound that can be decoded.")
            task.ready()
            language = options.speech_language or share_language(
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
                hints=options.vocabulary,
            )
        numbers = {"words": len(part.words), "heard": recognizer.heard, "remembered": recognizer.remembered}
        return Part(body=part_to_json(part), numbers={name: float(count) for name, count in numbers.items()})

    def _prepared(self, task: Task) -> "WhisperRecognizer":
        from jobs.transcribe.recognizer import WhisperRecognizer

        if self._recognizer is None:
            self._recognizer = WhisperRecognizer(
                ensure(MODEL, cache_dir=task.settings.models),
                model_version=find_model(MODEL).sha256[:12],
                threads=task.settings.threads_per_task,
            )
        return self._recognizer


if __name__ == "__main__":
    main("transcribe", Transcribe())
