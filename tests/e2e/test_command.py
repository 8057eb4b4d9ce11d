"""One video in, one reel out: the command as people and programs use it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from shared.connect import connect_local
from shared.domain.job import Source
from shared.domain.options import Options
from shared.pipeline.timeline_file import TimelineFile
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage
from tests.shared.domain.records import JOB_ID, a_job

OBJECT = {"source", "job_id", "state", "error", "outputs", "warnings", "source_s", "reel_s", "timings"}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds in which blocks flicker and nobody moves."""
    return make_clip(tmp_path_factory.mktemp("clip"), ClipSpec(seconds=12.0, fps=Fraction(10), has_sound=False))


@pytest.fixture
def person(media_file: Callable[[str], Path]) -> Path:
    """Ten seconds of a man juggling."""
    return media_file("motion/juggle_720p.mp4")


def length_s(path: str | Path) -> float:
    with av.open(str(path)) as reel:
        stream = reel.streams.video[0]
        assert stream.duration is not None and stream.time_base is not None
        return float(stream.duration * stream.time_base)


def test_a_video_becomes_a_reel_a_report_and_a_poster(montage: Montage, person: Path) -> None:
    ended = montage("run", "--json", person)
    assert ended.code == 0, ended.err
    assert set(ended.json) == OBJECT
    assert (ended.json["state"], ended.json["error"]) == ("done", None)
    outputs = ended.json["outputs"]
    folder = montage.folder / "out" / person.stem
    assert outputs == {
        "reel": str(folder / "reel.mp4"),
        "report": str(folder / "report.json"),
        "poster": str(folder / "poster.jpg"),
        "timeline": str(folder / "timeline.png"),
        "timeline_json": str(folder / "timeline.json"),
        "thumbs": str(folder / "thumbs.jpg"),
    }
    report = json.loads(Path(outputs["report"]).read_text())
    assert report["schema_version"] == 1
    assert report["motion"], "a juggling man moves"
    timeline = TimelineFile.model_validate_json(Path(outputs["timeline_json"]).read_bytes())
    assert timeline.motion and max(timeline.motion.energy) > timeline.motion.threshold
    assert timeline.thumbs and timeline.thumbs.every_s == 1
    assert abs(length_s(outputs["reel"]) - report["edit_list"]["duration_s"]) <= 1 / Fraction(report["source"]["fps"])
    timings = ended.json["timings"]
    assert min(timings["pose_s"], timings["pose_start_up_s"], timings["pose_start_up_worst_s"]) > 0


@pytest.mark.slow
def test_words_come_along_as_captions_and_a_transcript(montage: Montage, media_file: Callable[[str], Path]) -> None:
    ended = montage("run", "--json", "--quiet", media_file("faces/host_walk_talk_720p.mp4"))
    assert ended.code == 0, ended.err
    speech = {f"{where}_{kind}" for where in ("captions", "source_captions") for kind in ("srt", "vtt")}
    shown = {"reel", "poster", "timeline", "thumbs"}
    assert set(ended.json["outputs"]) == {*shown, "report", "timeline_json", "transcript", *speech}
    report = json.loads(Path(ended.json["outputs"]["report"]).read_text())
    assert report["motion"]
    assert report["speech"]
    transcript = json.loads(Path(ended.json["outputs"]["transcript"]).read_text())
    assert transcript["language"] == "en"
    assert "welcome back" in " ".join(word["text"] for word in transcript["words"]).lower()
    assert "Welcome back" in Path(ended.json["outputs"]["captions_srt"]).read_text()


def test_mode_speech_needs_sound(montage: Montage, clip: Path) -> None:
    silent = montage("run", "--json", "--quiet", "--mode", "speech", clip)
    assert (silent.code, silent.json["error"]["code"]) == (2, "no_audio_stream")


def test_people_are_told_the_path_the_length_and_what_was_kept(montage: Montage, clip: Path) -> None:
    ended = montage("run", clip)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == f"{Path('out') / clip.stem / 'reel.mp4'}  0:10  kept 0:10 of 0:12"
    assert "finding movement 100%" in ended.err
    assert "making the reel 100%" in ended.err
    assert "Nobody moves or speaks in it" in ended.err
    assert "\x1b" not in ended.err, "no colours where nobody looks"


def test_one_good_and_four_bad_sources_give_one_reel_and_four_clear_errors(
    montage: Montage, clip: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video, whatever its name says\n" * 20)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    (tmp_path / "sound").mkdir()
    sound = make_clip(tmp_path / "sound", ClipSpec(seconds=2.0))
    sound_only = tmp_path / "sound_only.m4a"
    with av.open(str(sound)) as source, av.open(str(sound_only), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    folder = tmp_path / "x.mp4"
    folder.mkdir()
    ended = montage("run", "--json", "--mode", "motion", text, empty, clip, sound_only, folder)
    assert ended.code == 2
    codes = [one["error"] and one["error"]["code"] for one in ended.json]
    assert codes == ["not_a_video", "empty_file", None, "no_video_stream", "not_a_file"]
    assert [one["state"] for one in ended.json] == ["failed", "failed", "done", "failed", "failed"]
    assert all(set(one) == OBJECT for one in ended.json)
    assert Path(ended.json[2]["outputs"]["reel"]).is_file()
    assert "Traceback" not in ended.err
    for one in ended.json:
        if one["error"]:
            assert one["error"]["message"].count("\n") == 0
            assert len(one["error"]["message"]) > 20


def test_a_missing_file_says_so(montage: Montage) -> None:
    ended = montage("run", "nowhere.mp4")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "nowhere.mp4: there is no such file. [no_such_file]\n"


def test_finding_nothing_can_be_made_a_failure(montage: Montage, clip: Path) -> None:
    ended = montage("run", "--json", "--on-nothing-found", "fail", clip)
    assert ended.code == 2
    assert ended.json["error"]["code"] == "nothing_found"
    assert ended.json["outputs"] == {}


@pytest.mark.slow
def test_another_sources_folder_is_never_overwritten_and_a_rerun_replaces_its_own(
    montage: Montage, clip: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / clip.name
    other.parent.mkdir()
    shutil.copy(clip, other)
    first, second, again = (montage("run", "--json", "--quiet", video).json for video in (clip, other, clip))
    assert Path(first["outputs"]["reel"]).parent.name == clip.stem
    assert Path(second["outputs"]["reel"]).parent.name == f"{clip.stem}-2"
    assert again["outputs"] == first["outputs"]
    assert again["job_id"] != first["job_id"]
    assert json.loads(Path(again["outputs"]["report"]).read_text())["job_id"] == again["job_id"]
    listed = montage("jobs", "--json").json
    assert [one["job_id"] for one in listed] == [first["job_id"], second["job_id"], again["job_id"]]


def test_a_folder_with_somebodys_own_files_is_left_alone(montage: Montage, clip: Path) -> None:
    own = montage.folder / "out" / clip.stem
    own.mkdir(parents=True)
    (own / "notes.txt").write_text("mine")
    ended = montage("run", "--json", "--quiet", clip)
    assert Path(ended.json["outputs"]["reel"]).parent.name == f"{clip.stem}-2"
    assert [path.name for path in own.iterdir()] == ["notes.txt"]


HOSTILE = [
    "-leading-dash.mp4",
    "skate & $(id) ; 'q' \"dq\" #1 %20 [x].mp4",
    "été_スケート_🛹 клип.mp4",
    "new\nline\tand tab.mp4",
    "漢" * 75 + ".mp4",
    os.fsdecode(b"no utf-8 \xff\xfe.mp4"),
]


@pytest.mark.slow
def test_hostile_names_work_after_a_double_dash(montage: Montage, tmp_path: Path) -> None:
    short = make_clip(tmp_path, ClipSpec(seconds=1.0, fps=Fraction(10), has_sound=False))
    for name in HOSTILE:
        shutil.copy(short, montage.folder / name)
    ended = montage("run", "--json", "--quiet", "--", *HOSTILE)
    assert ended.code == 0, (ended.out, ended.err)
    assert len({one["outputs"]["reel"] for one in ended.json}) == len(HOSTILE)
    assert all(Path(one["outputs"]["reel"]).is_file() for one in ended.json)


def job_under_way(montage: Montage, process: subprocess.Popen[str], stage: str) -> Any:
    """Return the one job once a task of the stage is running."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for task in montage.tasks():
            if f"jobs.{stage}" in task.cmdline():
                return montage("jobs", "--json").json[0]["job_id"]
        time.sleep(0.05)
    raise AssertionError(f"no {stage} task came up: {process.communicate()}")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["pose", "merge"])
def test_a_killed_task_is_run_again_and_the_reel_is_the_same(
    montage: Montage, person: Path, reports: Callable[..., Any], stage: str
) -> None:
    undisturbed = montage("run", "--json", "--quiet", "--out", "undisturbed", person).json
    process = montage.start("run", "--json", "--quiet", "--out", "killed", person)
    deadline = time.monotonic() + 60
    while not (victims := [task for task in montage.tasks() if f"jobs.{stage}" in task.cmdline()]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    victims[0].send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    killed = json.loads(out)
    one, other = reports([undisturbed["outputs"]["report"], killed["outputs"]["report"]])
    assert one == other
    assert Path(undisturbed["outputs"]["reel"]).read_bytes() == Path(killed["outputs"]["reel"]).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["pose", "merge"])
def test_a_killed_command_leaves_no_task_behind_and_its_job_goes_on(
    montage: Montage, person: Path, reports: Callable[..., Any], stage: str
) -> None:
    process = montage.start("run", "--json", "--quiet", "--out", "first", person)
    job_id = job_under_way(montage, process, stage)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while montage.tasks():
        assert time.monotonic() < deadline, "a task outlived its command"
        time.sleep(0.05)
    resumed = montage("job", "--json", job_id)
    assert resumed.code == 0, resumed.err
    assert resumed.json["outputs"]["reel"] == str(montage.folder / "first" / person.stem / "reel.mp4")
    undisturbed = montage("run", "--json", "--quiet", "--out", "undisturbed", person).json
    one, other = reports([undisturbed["outputs"]["report"], resumed.json["outputs"]["report"]])
    assert one == other
    assert Path(undisturbed["outputs"]["reel"]).read_bytes() == Path(resumed.json["outputs"]["reel"]).read_bytes()


def test_ctrl_c_ends_everything_and_the_job_can_go_on(montage: Montage, person: Path) -> None:
    process = montage.start("run", person)
    job_id = job_under_way(montage, process, "pose")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"montage job {job_id}" in err
    assert "Traceback" not in err
    assert not montage.tasks()
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        assert {chunk.attempts for chunk in cloud.jobs.chunks(job_id, "pose")} <= {0}, "stopping costs no attempt"
    assert montage("job", job_id).code == 0


def test_a_finished_job_is_shown_again_without_work(montage: Montage, clip: Path) -> None:
    done = montage("run", "--json", "--quiet", clip).json
    started_at = time.monotonic()
    shown = montage("job", "--json", done["job_id"][:8])
    assert (shown.code, shown.json) == (0, done)
    assert time.monotonic() - started_at < 10


def test_an_unknown_job_is_a_clear_error(montage: Montage) -> None:
    ended = montage("job", "--json", "nonesuch")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "unknown_job"


def test_the_command_says_its_version_and_its_models(montage: Montage) -> None:
    assert montage("--version").out.startswith("montage ")
    assert set(montage("--version", "--json").json) == {"version"}
    names = [model["name"] for model in montage("models", "list", "--json").json]
    assert "pose_landmarker_full" in names
    assert montage("doctor", "--json").json
    assert montage("jobs").out.startswith("No jobs yet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "required: VIDEO"),
        (["run", "--pad-before-s", "-1", "x.mp4"], "--pad-before-s must lie between"),
        (["run", "--workers", "0", "x.mp4"], "must lie between 1 and 256"),
        (["run", "--workers", "many", "x.mp4"], "must lie between 1 and 256, not many"),
        (["run", "--mode", "dance", "x.mp4"], "invalid choice"),
        (["run", "--target-s", "soon", "x.mp4"], "invalid float value"),
        ([], "usage: montage"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(montage: Montage, arguments: list[str], words: str) -> None:
    ended = montage(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", ["jobs --json", "run '{clip}'"])
def test_a_closed_pipe_is_no_disaster(montage: Montage, clip: Path, words: str) -> None:
    command = f"{sys.executable} -m functions.local.montage {words.format(clip=clip)} | true"
    ended = subprocess.run(
        ["sh", "-c", command], env=montage.environment, cwd=montage.folder, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_cannot_be_written_is_our_trouble_not_the_videos(montage: Montage, clip: Path) -> None:
    closed = montage.folder / "closed"
    closed.mkdir(mode=0o555)
    ended = montage("run", "--json", "--out", closed / "out", clip)
    assert ended.code == 1
    assert ended.json["error"]["code"] == "cannot_write"


def test_an_output_folder_that_is_a_file_is_our_trouble(montage: Montage, clip: Path) -> None:
    (montage.folder / "out").write_text("in the way")
    ended = montage("run", "--json", clip)
    assert ended.code == 1
    assert ended.json["error"]["code"] == "cannot_write"


@pytest.mark.slow
def test_showing_an_old_job_leaves_the_newer_results_alone(montage: Montage, clip: Path) -> None:
    old, new = (montage("run", "--json", "--quiet", "--target-s", n, clip).json for n in ("3", "6"))
    shown = montage("job", "--json", old["job_id"])
    assert (shown.code, shown.json["state"], shown.json["outputs"]) == (0, "done", {})
    report = json.loads(Path(new["outputs"]["report"]).read_text())
    assert report["job_id"] == new["job_id"]


def test_a_job_whose_command_died_before_the_upload_still_goes_on(montage: Montage, clip: Path) -> None:
    folder = montage.folder / "out" / clip.stem
    folder.mkdir(parents=True)
    labels = {"local.folder": str(folder), "local.source": str(clip)}
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        cloud.jobs.create(
            a_job(source=Source(file_name=clip.name), labels=labels, options=Options(), created_at=time.time())
        )
    resumed = montage("job", "--json", JOB_ID)
    assert (resumed.code, resumed.json["state"]) == (0, "done"), resumed.err
    assert (folder / "reel.mp4").is_file()


def test_the_quiet_hear_of_errors_only(montage: Montage, clip: Path) -> None:
    ended = montage("run", "--quiet", clip, "nowhere.mp4")
    assert ended.out == ""
    assert ended.err == "nowhere.mp4: there is no such file. [no_such_file]\n"


def test_a_name_cannot_write_on_the_terminal(montage: Montage, tmp_path: Path) -> None:
    evil = make_clip(tmp_path, ClipSpec(seconds=1.0, fps=Fraction(10), has_sound=False)).rename(
        tmp_path / "e\x1b[31mvil\nname.mp4"
    )
    ended = montage("run", "--", evil)
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    assert ended.out.count("\n") == 1
    assert "\x1b" not in montage("jobs").out


def test_programs_hear_of_wrong_words_in_json(montage: Montage) -> None:
    ended = montage("run", "--json", "--target-s", "-3", "x.mp4")
    assert (ended.code, ended.json["error"]["code"]) == (2, "bad_option")
    assert "--target-s must lie between" in ended.json["error"]["message"]


def test_a_wrong_setting_is_named(montage: Montage) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "functions.local.montage", "jobs"],
        env={**montage.environment, "MONTAGE_WORKERS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "MONTAGE_WORKERS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_source_that_cannot_be_read_ends_as_an_error(montage: Montage) -> None:
    unreadable = Path("/sys/class/net/lo/speed")  # a regular file whose reads fail, like a dying disk's
    if not unreadable.exists():
        pytest.skip("no such file on this system")
    ended = montage("run", "--json", "--quiet", unreadable)
    assert (ended.code, ended.json["error"]["code"]) == (2, "cannot_read")
