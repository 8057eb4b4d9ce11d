"""README's pictures, made anew from the sample: `python -m tests.readme_pictures` after `make run`."""

from pathlib import Path

from PIL import Image

from shared.media.decode import frame_at
from shared.media.probe import probe

RESULTS, PICTURES = Path("out/sample"), Path("docs/images")
TIMELINE_WIDTH = 1200
SHOWN_S = ((3.8, 5.2), (6.8, 9.2), (14.5, 16.1), (34.2, 37.8))
"""Stretches of the reel: star jumps, a flip, what is said over the city, the flip again, slowly."""
SIZE, FPS, QUALITY = (480, 270), 10, 50


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    timeline = Image.open(RESULTS / "timeline.png")
    height = round(timeline.height * TIMELINE_WIDTH / timeline.width)
    smaller = timeline.resize((TIMELINE_WIDTH, height), Image.Resampling.LANCZOS)
    smaller.quantize(192).save(PICTURES / "timeline.png", optimize=True)
    frames = [shown for start_s, end_s in SHOWN_S for shown in _pictures(start_s, end_s)]
    frames[0].save(
        PICTURES / "reel.webp", save_all=True, append_images=frames[1:], duration=1000 // FPS, loop=0, quality=QUALITY
    )


def _pictures(start_s: float, end_s: float) -> list[Image.Image]:
    with (RESULTS / "reel.mp4").open("rb") as file:
        video = probe(file, name="reel.mp4")
        times_s = [start_s + n / FPS for n in range(round((end_s - start_s) * FPS))]
        found = [frame_at(file, video, t_s, name="reel.mp4") for t_s in times_s]
    return [
        Image.fromarray(each.rgb(None, max_side_px=1280)).resize(SIZE, Image.Resampling.LANCZOS)
        for each in found
        if each is not None
    ]


if __name__ == "__main__":
    main()
