import io
from dataclasses import replace

import pytest

from functions.local.progress import Bars, Lines, Silence, display, short
from shared.domain.chunk import ChunkSummary
from shared.domain.job import Job, Stage
from shared.domain.units import plan_chunks
from tests.shared.domain.records import a_job, a_video

PLAN = plan_chunks(duration_s=100, unit_s=10, chunk_s=10, max_tasks=200)
JOB = a_job(video=a_video(duration_s=100.0), stages={"pose": Stage(plan=PLAN, state="launched")})


def at(tenths: float) -> ChunkSummary:
    return ChunkSummary(done=int(tenths), position_sum=tenths)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_line_per_tenth_and_no_more() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    for tenths in (0.0, 0.2, 0.9, 1.0, 1.0, 3.7, 3.9, 10.0, 10.0):
        lines.stage(JOB, "pose", at(tenths))
    shares = [line.split()[-1] for line in stream.getvalue().splitlines()]
    assert shares == ["0%", "10%", "37%", "100%"]


def test_a_finished_stage_is_whole_whatever_its_summary_says() -> None:
    stream = io.StringIO()
    job: Job = replace(JOB, stages={"pose": Stage(plan=PLAN, state="done")})
    Lines(stream).stage(job, "pose", ChunkSummary())
    assert stream.getvalue() == "ride.mp4: finding movement 100%\n"


def test_a_terminal_gets_bars_and_a_silent_chunk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    bars = display(is_quiet=False, stream=stream)
    assert isinstance(bars, Bars)
    stuck: Job = replace(JOB, stages={"pose": Stage(plan=PLAN, state="launched", silent=(4,))})
    bars.stage(stuck, "pose", at(4.5))
    bars.close()
    assert "finding movement" in stream.getvalue()
    assert "45%" in stream.getvalue()
    assert "part 4 stands still" in stream.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    bars = Bars(stream)
    bars.stage(JOB, "pose", at(5))
    bars.close()
    assert "\x1b[3" not in stream.getvalue(), "no foreground colours"


def test_the_quiet_hear_nothing() -> None:
    assert isinstance(display(is_quiet=True), Silence)
    assert isinstance(display(is_quiet=False, stream=io.StringIO()), Lines)


def test_names_fit_a_line_and_hide_control_characters() -> None:
    assert short("a\nb.mp4") == "a?b.mp4"
    assert len(short("x" * 300 + ".mp4")) == 28
