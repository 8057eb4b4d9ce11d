"""One picture of a whole source that says at a glance what was found and why."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from shared.domain.highlight import Highlight
from shared.domain.motion import Look
from shared.domain.ranker import KEYWORD_REASON
from shared.domain.running_text import NEVER_FIRST, is_spaceless
from shared.domain.span import Span, join_near
from shared.media.typeface import drawable, typeface, typeface_for

Colour = tuple[int, int, int]
Rgb = NDArray[np.uint8]
"""A picture, shape (height, width, 3)."""

WIDTH, MARGIN, GUTTER = 1600, 28, 132
LEFT, RIGHT = MARGIN + GUTTER, WIDTH - MARGIN
THUMB_HEIGHT, MOTION_HEIGHT, SPEECH_HEIGHT, CANDIDATE_HEIGHT = 116, 120, 68, 96
GAP, LINE = 22, 26
MOST_LISTED = 12
MOST_LANES = 5  # of clips that overlap, below each other; more share the last
QUOTE_SIZE, QUOTE_WIDTH, NARROWEST_QUOTE, QUOTE_GAP = 14, 170, 96, 16
SAID_X = LEFT + 800
SMALL, NORMAL, LARGE = 15, 17, 25
# Okabe and Ito's colours, which the colour-blind tell apart; chosen and not chosen differ in filling as well.
PAPER, INK, SOFT_INK, GRID = (255, 255, 255), (28, 32, 38), (92, 99, 108), (226, 229, 233)
NOT_CHOSEN: Colour = (226, 229, 233)
MOTION: Colour = (0, 114, 178)
SPEECH: Colour = (213, 94, 0)
CHOSEN: Colour = (0, 135, 98)
CHOSEN_TINT: Colour = (218, 240, 231)
TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
TICK_EVERY_PX = 90
TOP_ENERGY = 0.3  # the motion row's least height, body heights per second, so that a still source looks still
OFTEN = 0.995  # share of the looks that must fit the motion row; the rare one beyond is cut off at its top


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One picture of the source."""

    t_s: float
    picture: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sentence."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineContent:
    """What the picture shows, all in source time."""

    title: str
    duration_s: float
    reel_s: float
    clips: int
    """In the reel; candidates that follow on each other are one."""
    highlights: Sequence[Highlight]
    is_best_first: bool = False
    """Whether the reel shows the chosen ones by score; they are numbered so, then."""
    is_given: bool = False
    """Whether the highlights are clips that somebody asked for, in the reel's order."""
    thumbnails: Sequence[Thumbnail] = ()
    looks: Sequence[Look] | None = None
    """None when the picture was not analysed."""
    movement_threshold: float = 0.0
    spoken: Sequence[Spoken] | None = None
    """None when the sound was not analysed."""


def thumbnail_times_s(duration_s: float, *, aspect: float) -> tuple[float, ...]:
    """Return at which times the strip wants its pictures; `aspect` is width by height as shown."""
    count = max(1, round((RIGHT - LEFT) / (THUMB_HEIGHT * max(aspect, 0.4))))
    return tuple(duration_s * (n + 0.5) / count for n in range(count))


def write_timeline(path: Path, content: TimelineContent) -> None:
    """Write the picture as PNG: thumbnails, movement, speech, candidates, what was chosen and why; or given clips."""
    drawing = _Drawing(content)
    drawing.draw()
    drawing.image.save(path, format="PNG", optimize=True)


class _Drawing:
    """The picture while it is made; `y` is how far down it has got."""

    def __init__(self, content: TimelineContent) -> None:
        self.content = content
        rows: list[tuple[Callable[[int], None], int]] = []
        if content.thumbnails:
            rows.append((self._thumbnails, THUMB_HEIGHT))
        if content.looks is not None:
            rows.append((self._motion, MOTION_HEIGHT))
        if content.spoken is not None:
            rows.append((self._speech, SPEECH_HEIGHT))
        rows.append((self._clips if content.is_given else self._candidates, CANDIDATE_HEIGHT))
        self.rows = rows
        self.rows_top = 104
        self.rows_bottom = self.rows_top + sum(height + GAP for _, height in rows) - GAP
        self.list_top = self.rows_bottom + 52
        self.listed = (
            content.highlights[:MOST_LISTED]
            if content.is_given
            else listed(content.highlights, best_first=content.is_best_first)
        )
        lines = len(self.listed) + (1 if len(content.highlights) > len(self.listed) else 0)
        self.image = Image.new("RGB", (WIDTH, self.list_top + 34 + max(1, lines) * LINE + MARGIN), PAPER)
        self.canvas = ImageDraw.Draw(self.image)

    def draw(self) -> None:
        self._header()
        self._axis()
        top = self.rows_top
        for row, height in self.rows:
            row(top)
            top += height + GAP
        self._list()

    def x(self, t_s: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, t_s / max(self.content.duration_s, 1e-6)))

    def text(
        self, at: tuple[float, float], text: str, *, font: FreeTypeFont, fill: Colour = INK, anchor: str = "la"
    ) -> None:
        self.canvas.text(at, text, font=font, fill=fill, anchor=anchor)

    def _header(self) -> None:
        face = typeface_for(self.content.title, LARGE, is_bold=True) or typeface(LARGE, is_bold=True)
        self.text((MARGIN, 22), _fitting(drawable(self.content.title, face), face, RIGHT - MARGIN), font=face)
        clips = self.content.clips
        reel = f"a reel of {clock(self.content.reel_s)} from {_counted(clips, 'clip')}" if clips else "no reel"
        order = ", the best first" if self.content.is_best_first and clips > 1 else ""
        summary = f"{clock(self.content.duration_s)} of source  →  {reel}{order}"
        self.text((MARGIN, 60), summary, font=typeface(NORMAL), fill=SOFT_INK)
        self._legend()

    def _legend(self) -> None:
        kinds = (
            [("in the reel", CHOSEN)]
            if self.content.is_given
            else [("not chosen", NOT_CHOSEN), ("in the reel", CHOSEN)]
        )
        if self.content.spoken is not None:
            kinds.append(("speech", SPEECH))
        if self.content.looks is not None:
            kinds.append(("movement", MOTION))
        x = float(RIGHT)
        for label, fill in kinds:
            x -= self.canvas.textlength(label, font=typeface(SMALL))
            self.text((x, 62), label, font=typeface(SMALL), fill=SOFT_INK)
            self.canvas.rectangle((x - 26, 63, x - 8, 77), fill=fill, outline=_edge(fill))
            x -= 48

    def _axis(self) -> None:
        """Draw the chosen stretches through all rows, the grid and the times."""
        for each in self.content.highlights:
            if each.is_chosen:
                self._box(each.span, self.rows_top - 6, self.rows_bottom + 6, fill=CHOSEN_TINT)
        step_s = tick_step_s(self.content.duration_s)
        for n in range(int(self.content.duration_s / step_s + 1e-9) + 1):
            x = self.x(n * step_s)
            self.canvas.line((x, self.rows_top - 6, x, self.rows_bottom + 10), fill=GRID, width=1)
            time = clock(n * step_s)
            half = self.canvas.textlength(time, font=typeface(SMALL)) / 2
            x = min(x, WIDTH - 8 - half)
            self.text((x, self.rows_bottom + 14), time, font=typeface(SMALL), fill=SOFT_INK, anchor="ma")

    def _box(
        self, at: Span, top: float, bottom: float, *, fill: Colour, outline: Colour | None = None, width: int = 1
    ) -> None:
        left, right = self.x(at.start_s), self.x(at.end_s)
        self.canvas.rectangle((left, top, max(left + 2, right - 1), bottom), fill=fill, outline=outline, width=width)

    def _label(self, top: float, height: float, label: str, note: str = "") -> None:
        middle = top + height / 2
        self.text((MARGIN, middle - (10 if note else 0)), label, font=typeface(NORMAL, is_bold=True), anchor="lm")
        if note:
            self.text((MARGIN, middle + 12), note, font=typeface(13), fill=SOFT_INK, anchor="lm")

    def _thumbnails(self, top: int) -> None:
        self._label(top, THUMB_HEIGHT, "picture")
        slots = np.linspace(LEFT, RIGHT, len(self.content.thumbnails) + 1).round().astype(int).tolist()
        for each, (left, right) in zip(self.content.thumbnails, pairwise(slots), strict=True):
            width = right - left - (2 if right < RIGHT else 0)
            self.image.paste(_cropped(each.picture, (width, THUMB_HEIGHT)), (left, top))

    def _motion(self, top: int) -> None:
        found = self.content.looks or ()
        bottom = top + MOTION_HEIGHT
        highest = _top_energy(found, self.content.movement_threshold)
        self._label(top, MOTION_HEIGHT, "movement", "body heights/s")
        self.text((LEFT - 6, top), f"{highest:.1f}", font=typeface(13), fill=SOFT_INK, anchor="rt")
        self.text((LEFT - 6, bottom), "0", font=typeface(13), fill=SOFT_INK, anchor="rb")
        if not any(look.energy >= self.content.movement_threshold for look in found):
            self.text(
                (LEFT + 12, top + MOTION_HEIGHT / 2), "nobody moves", font=typeface(NORMAL), fill=SOFT_INK, anchor="lm"
            )
        heights = [
            min(1.0, energy / highest) * MOTION_HEIGHT
            for energy in energies(found, self.content.duration_s, RIGHT - LEFT)
        ]
        curve = [(LEFT + n, bottom - height) for n, height in enumerate(heights)]
        self.canvas.polygon([(LEFT, bottom), *curve, (RIGHT, curve[-1][1]), (RIGHT, bottom)], fill=MOTION)
        self.canvas.line((LEFT, bottom, RIGHT, bottom), fill=SOFT_INK, width=1)

    def _speech(self, top: int) -> None:
        self._label(top, SPEECH_HEIGHT, "speech")
        spoken = self.content.spoken or ()
        if not spoken:
            self.text(
                (LEFT + 12, top + SPEECH_HEIGHT / 2), "nobody speaks", font=typeface(NORMAL), fill=SOFT_INK, anchor="lm"
            )
        for at in join_near((each.span for each in spoken), gap_s=self.content.duration_s / (RIGHT - LEFT)):
            self._box(at, top, top + 20, fill=SPEECH)
        if spoken and all(typeface_for(each.text, QUOTE_SIZE) is None for each in spoken):
            note = "this machine has no typeface for what is said"
            self.text((LEFT + 12, top + 30), note, font=typeface(QUOTE_SIZE), fill=SOFT_INK)
        self._quotes(top + 28)

    def _quotes(self, top: int) -> None:
        """Write the beginnings of sentences where there is room, the longest sentences first."""
        taken: list[tuple[float, float]] = []
        for each in sorted(self.content.spoken or (), key=lambda one: (-one.span.duration_s, one.span.start_s)):
            left = self.x(each.span.start_s)
            room = min((a for a, b in taken if b > left), default=float(RIGHT)) - left  # negative inside another one
            width = min(room, max(self.x(each.span.end_s) - left, QUOTE_WIDTH))
            font = typeface_for(each.text, QUOTE_SIZE)
            if width < NARROWEST_QUOTE or font is None:
                continue
            taken.append((left - QUOTE_GAP, left + width + QUOTE_GAP))
            for n, line in enumerate(_wrapped(each.text, font, width, lines=2)):
                self.text((left, top + n * 19), line, font=font)

    def _candidates(self, top: int) -> None:
        self._label(top, CANDIDATE_HEIGHT, "candidates", "height: score")
        bottom = top + CANDIDATE_HEIGHT
        self.canvas.line((LEFT, bottom, RIGHT, bottom), fill=SOFT_INK, width=1)
        for each in self.content.highlights:
            fill = CHOSEN if each.is_chosen else NOT_CHOSEN
            self._box(each.span, bottom - self._bar(each), bottom, fill=fill, outline=_edge(fill))
        free_from = 0.0
        for number, each in sorted(enumerate(self.listed, 1), key=lambda one: one[1].span):
            font = typeface(SMALL, is_bold=each.is_chosen)
            half = self.canvas.textlength(str(number), font=font) / 2
            x = max(self.x(each.span.middle_s), free_from + half)
            free_from = x + half + 4
            self.text((x, bottom - self._bar(each) - 4), str(number), font=font, anchor="mb")

    def _clips(self, top: int) -> None:
        """Draw the given clips, numbered in the reel's order; those that overlap lie below each other."""
        self._label(top, CANDIDATE_HEIGHT, "clips", "numbers: order")
        rows = lanes([each.span for each in self.content.highlights], most=MOST_LANES)
        height = CANDIDATE_HEIGHT / (max(rows) + 1)
        font = typeface(SMALL, is_bold=True)
        for number, (each, row) in enumerate(zip(self.content.highlights, rows, strict=True), 1):
            upper, lower = top + row * height, top + (row + 1) * height - 2
            self._box(each.span, upper, lower, fill=CHOSEN, outline=PAPER)
            room = self.x(each.span.end_s) - self.x(each.span.start_s)
            if self.canvas.textlength(str(number), font=font) + 6 <= room:
                at = (self.x(each.span.middle_s), (upper + lower) / 2)
                self.text(at, str(number), font=font, fill=PAPER, anchor="mm")

    def _bar(self, each: Highlight) -> float:
        """Return how high a candidate's bar is."""
        return max(6.0, each.score * (CANDIDATE_HEIGHT - 24))

    def _list(self) -> None:
        self.text(
            (MARGIN, self.list_top), "The reel" if self.content.is_given else "Why", font=typeface(NORMAL, is_bold=True)
        )
        if not self.listed:
            self.text((LEFT, self.list_top), "nothing was found", font=typeface(NORMAL), fill=SOFT_INK)
        for n, each in enumerate(self.listed):
            self._entry(n + 1, each, self.list_top + n * LINE)
        if len(self.content.highlights) > len(self.listed):
            y = self.list_top + len(self.listed) * LINE
            self.text((LEFT + 62, y), self._left_out(), font=typeface(SMALL), fill=SOFT_INK)

    def _left_out(self) -> str:
        chosen = sum(each.is_chosen for each in self.content.highlights) - sum(each.is_chosen for each in self.listed)
        others = len(self.content.highlights) - len(self.listed) - chosen
        parts = ([f"{chosen} more in the reel"] if chosen else []) + ([f"{others} not chosen"] if others else [])
        return f"and {', '.join(parts)}: see report.json"

    def _entry(self, number: int, each: Highlight, y: int) -> None:
        font = typeface(SMALL, is_bold=each.is_chosen)
        ink = INK if each.is_chosen else SOFT_INK
        fill = CHOSEN if each.is_chosen else NOT_CHOSEN
        self.text((LEFT + 22, y), str(number), font=font, fill=ink, anchor="ra")
        self.canvas.rectangle((LEFT + 34, y + 2, LEFT + 48, y + 15), fill=fill, outline=_edge(fill))
        shown = tenths if self.content.is_given else clock
        self.text((LEFT + 62, y), f"{shown(each.span.start_s)} – {shown(each.span.end_s)}", font=font, fill=ink)
        if any(other.score < 1 for other in self.content.highlights):
            self.text((LEFT + 240, y), f"{each.score:.2f}", font=font, fill=ink)
        said_x = self._said(each, y, ink)
        reasons = told(each.reasons)
        face = typeface_for(reasons, SMALL, is_bold=each.is_chosen) or font
        room = said_x - LEFT - 300 - (QUOTE_GAP if said_x < RIGHT else 0)
        self.text((LEFT + 300, y), _fitting(drawable(reasons, face), face, room), font=face, fill=ink)

    def _said(self, each: Highlight, y: int, ink: Colour) -> float:
        """Write the words that begin in a candidate, and return how far to the right there is room beside them."""
        said = (
            one.text for one in self.content.spoken or () if each.span.start_s <= one.span.start_s < each.span.end_s
        )
        text = " ".join(said)
        face = typeface_for(text, SMALL)
        if not text or face is None:
            return RIGHT
        self.text((SAID_X, y), _fitting(f"“{text}”", face, RIGHT - SAID_X), font=face, fill=ink)
        return SAID_X


def told(reasons: Sequence[str]) -> str:
    """Return the reasons on one line, what they share said once: "your keywords: farm, local · movement"."""
    keywords = [each.removeprefix(KEYWORD_REASON) for each in reasons if each.startswith(KEYWORD_REASON)]
    others = [each for each in reasons if not each.startswith(KEYWORD_REASON)]
    if len(keywords) > 1:
        return " · ".join([f"your keywords: {', '.join(keywords)}", *others])
    return " · ".join(reasons)


def clock(t_s: float) -> str:
    """Return a time as m:ss, from an hour on as h:mm:ss."""
    minutes, seconds = divmod(round(t_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def tenths(t_s: float) -> str:
    """Return a time as m:ss.s, from an hour on as h:mm:ss.s."""
    whole, tenth = divmod(round(10 * t_s), 10)
    return f"{clock(whole)}.{tenth}"


def lanes(spans: Sequence[Span], *, most: int) -> list[int]:
    """Return a lane for each span, 0 first, so that those of a lane do not overlap, unless more than `most` would."""
    taken: list[list[Span]] = [[] for _ in range(most - 1)]
    found = []
    for each in spans:
        free = next((n for n, lane in enumerate(taken) if _has_room(lane, each)), most - 1)
        found.append(free)
        if free < most - 1:
            insort(taken[free], each)
    return found


def _has_room(lane: Sequence[Span], each: Span) -> bool:
    """Return whether none of the ascending spans overlaps another one."""
    at = bisect_left(lane, each)
    neighbours = lane[max(0, at - 1) : at + 1]
    return all(other.end_s <= each.start_s or each.end_s <= other.start_s for other in neighbours)


def tick_step_s(duration_s: float) -> int:
    """Return how far the axis' times lie apart: round numbers with room for each."""
    most = (RIGHT - LEFT) / TICK_EVERY_PX
    return next((step for step in TICKS_S if duration_s / step <= most), max(1, round(duration_s / most)))


def energies(looks: Sequence[Look], duration_s: float, columns: int) -> list[float]:
    """Return the greatest energy in each of `columns` equal parts of the source; between looks it is interpolated."""
    if not looks:
        return [0.0] * columns
    at = np.array([look.t_s for look in looks])
    energy = np.array([look.energy for look in looks])
    edges = np.linspace(0, duration_s, columns + 1)
    between = np.interp((edges[:-1] + edges[1:]) / 2, at, energy)
    found: list[float] = between.tolist()
    for column in range(columns):
        first, beyond = bisect_left(at, edges[column]), bisect_left(at, edges[column + 1])
        if beyond > first:
            found[column] = float(energy[first:beyond].max())
    return found


def _top_energy(looks: Sequence[Look], threshold: float) -> float:
    usual = float(np.quantile([look.energy for look in looks], OFTEN)) if looks else 0.0
    return max(TOP_ENERGY, 2 * threshold, 1.1 * usual)


def listed(highlights: Sequence[Highlight], *, best_first: bool) -> list[Highlight]:
    """Return the candidates that are explained, chosen ones rather than others and then the best; in order of time.

    Or in the reel's order, those that are not chosen behind it, when that shows the best first.
    """
    ranked = sorted(highlights, key=lambda each: (not each.is_chosen, -each.score, each.span))[:MOST_LISTED]
    return ranked if best_first else sorted(ranked, key=lambda each: each.span)


def _edge(fill: Colour) -> Colour | None:
    """Return the outline of a box: pale ones need one."""
    return (128, 135, 144) if fill == NOT_CHOSEN else None


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _cropped(picture: Rgb, size: tuple[int, int]) -> Image.Image:
    """Return the middle of a picture in that size."""
    image = Image.fromarray(picture)
    scale = max(size[0] / image.width, size[1] / image.height)
    scaled = image.resize((max(size[0], round(image.width * scale)), max(size[1], round(image.height * scale))))
    left, top = (scaled.width - size[0]) // 2, (scaled.height - size[1]) // 2
    return scaled.crop((left, top, left + size[0], top + size[1]))


def _fitting(text: str, font: FreeTypeFont, width: float) -> str:
    """Return the text, or its beginning and an ellipsis when it is too wide."""
    if font.getlength(text) <= width:
        return text
    kept = len(text) - bisect_left(range(len(text)), True, key=lambda cut: font.getlength(_cut(text, cut)) <= width)
    return _cut(text, len(text) - kept)


def _cut(text: str, letters: int) -> str:
    """Return the text without so many of its last letters, and without the word that they begin in."""
    kept = text[: len(text) - letters]
    is_between_words = text[len(kept) :].startswith(" ") or (kept and is_spaceless(kept[-1]))
    whole = kept.rsplit(" ", 1)[0] if " " in kept.strip() and not is_between_words else kept
    return f"{whole.rstrip(' ,;:–-、')}…"


def _wrapped(text: str, font: FreeTypeFont, width: float, *, lines: int) -> list[str]:
    """Return the beginning of the text as at most so many lines, broken between words or where there are none."""
    found: list[str] = []
    left = pieces(text)
    while left and len(found) < lines - 1:
        line = left.pop(0).lstrip()
        while left and font.getlength(f"{line}{left[0]}") <= width:
            line += left.pop(0)
        found.append(_fitting(line, font, width))
    return [*found, _fitting("".join(left).lstrip(), font, width)] if left else found


def pieces(text: str) -> list[str]:
    """Return the text cut where a line may end, each piece with the space before it."""
    found: list[str] = []
    for before, char in pairwise(f" {text}"):
        is_inside_word = not char.isspace() and not is_spaceless(char) and not is_spaceless(before)
        if found and (is_inside_word or before.isspace() or char in NEVER_FIRST):
            found[-1] += char
        else:
            found.append(char)
    return [each for each in found if each.strip()]
