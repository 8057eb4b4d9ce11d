"""Plans of many chunks: what waits is not silent, and what was computed is never computed again."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.task import Part, Task
from shared.domain.object_names import run_list
from shared.errors import LeaseLost, TryAgain
from shared.pipeline.watch import watch
from tests.counting import Counts, counted
from tests.one_machine import OneMachine, make_part
from tests.waves import UNIT_S, WaveLauncher, machine_of_waves, slow_film, submit

LOOK_EVERY_S = 31.0


class Computed:
    """Stands in for the pose stage and counts what it was asked for; some chunks get nowhere the first time."""

    def __init__(self, *, awkward: frozenset[int] = frozenset(), how: Callable[[], Exception] | None = None) -> None:
        self.parts: Counter[int] = Counter()
        self._awkward, self._how = set(awkward), how or stands_still

    def __call__(self, task: Task) -> Part:
        if task.chunk in self._awkward:
            self._awkward.remove(task.chunk)
            raise self._how()
        self.parts[task.chunk] += 1
        return make_part(task)


def waves(machine: OneMachine) -> WaveLauncher:
    assert isinstance(machine.launcher, WaveLauncher)
    return machine.launcher


def watched(machine: OneMachine, job_id: str) -> list[tuple[int, ...]]:
    """Let time pass, messages come and the watchdog look, before and in each wave; return what is silent."""
    silent: list[tuple[int, ...]] = []
    pump = machine.pump()

    def look() -> None:
        machine.clock.now += LOOK_EVERY_S
        while pump.step():
            pass
        silent.append(machine.cloud.jobs.get(job_id).stages["pose"].silent)

    waves(machine).look = waves(machine).look_between = look
    return silent


def runs(machine: OneMachine, job_id: str) -> list[list[int]]:
    """Return the chunk list of each launched run of the pose stage."""
    names = [run_list(job_id, "pose", run_id) for stage, run_id, _ in machine.launcher.launches if stage == "pose"]
    return [json.loads(machine.cloud.work.read(name))["chunks"] for name in names]


def stands_still() -> Exception:
    return LeaseLost("its process hangs and writes nothing any more")


def breaks() -> Exception:
    return TryAgain("the store is away")


AWKWARD = frozenset({3, 17, 40})


@pytest.mark.parametrize(("how", "is_hung"), [(stands_still, True), (stands_still, False), (breaks, False)])
def test_exactly_the_chunks_that_got_nowhere_are_run_again(
    tmp_path: Path, how: Callable[[], Exception], is_hung: bool
) -> None:
    computed = Computed(awkward=AWKWARD, how=how)
    machine = machine_of_waves(tmp_path, parallelism=60, pose=computed)
    launcher = waves(machine)
    job = submit(machine, slow_film(tmp_path / "film.mp4", 60))
    pump = machine.pump()
    while pump.step():
        pass
    first = machine.cloud.jobs.get(job.id).stages["pose"].execution
    assert first is not None
    if is_hung:
        launcher.hung = {first}
    ended = machine.run_to_the_end(job.id)
    assert (ended.state, ended.numbers["reel_s"]) == ("done", 60)
    assert runs(machine, job.id) == [list(range(60)), sorted(AWKWARD)]
    assert computed.parts == Counter(range(60)), "a chunk that was done was computed again"
    assert not launcher.hung, "the run in which nothing moves any more keeps its workers"


def test_chunks_that_stand_still_are_named_before_they_are_run_again(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=60, pose=Computed(awkward=AWKWARD, how=stands_still))
    job = submit(machine, slow_film(tmp_path / "film.mp4", 60))
    pump = machine.pump()
    while pump.step():
        pass
    waves(machine).hung = {str(machine.cloud.jobs.get(job.id).stages["pose"].execution)}
    machine.launcher.run_tasks()
    machine.clock.now += machine.cloud.limits.silent_after_s
    watch(machine.cloud)
    stage = machine.cloud.jobs.get(job.id).stages["pose"]
    assert (stage.silent, stage.launches) == ((3, 17, 40), 1)


@pytest.mark.parametrize("chunks", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_of_many_chunks_those_that_wait_for_one_of_two_workers_are_not_silent(tmp_path: Path, chunks: int) -> None:
    computed = Computed()
    machine = machine_of_waves(tmp_path, parallelism=2, pose=computed)
    job = submit(machine, slow_film(tmp_path / "film.mp4", chunks))
    began_at, silent = machine.clock.now, watched(machine, job.id)
    ended = machine.run_to_the_end(job.id)
    assert (ended.state, ended.numbers["reel_s"]) == ("done", chunks)
    assert [(stage, tasks) for stage, _, tasks in machine.launcher.launches] == [("pose", chunks), ("merge", 1)]
    assert set(silent) == {()}
    assert computed.parts == Counter(range(chunks))
    limits, waited_s = machine.cloud.limits, machine.clock.now - began_at
    assert waited_s > chunks * LOOK_EVERY_S, "the last chunk waited far longer than any silence is borne"
    assert waited_s > 5 * max(limits.rerun_after_s, limits.start_within_s)


@pytest.mark.parametrize("chunks", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_chunk_given_up_is_launched_once_more_however_long_it_waits_for_a_worker(tmp_path: Path, chunks: int) -> None:
    computed = Computed(awkward=frozenset({3}), how=stands_still)
    machine = machine_of_waves(tmp_path, parallelism=2, pose=computed)
    job = submit(machine, slow_film(tmp_path / "film.mp4", chunks))
    silent = watched(machine, job.id)
    ended = machine.run_to_the_end(job.id)
    assert (ended.state, ended.numbers["reel_s"]) == ("done", chunks)
    assert computed.parts == Counter(range(chunks))
    assert set(silent) == {(), (3,)}
    _, again = runs(machine, job.id)
    assert 3 in again and len(again) > chunks - 20


def test_an_execution_in_the_queue_for_long_is_waited_for(tmp_path: Path) -> None:
    machine = machine_of_waves(tmp_path, parallelism=2)
    job = submit(machine, slow_film(tmp_path / "film.mp4", 4))
    pump = machine.pump()
    for _ in range(40):
        while pump.step():
            pass
        machine.clock.now += LOOK_EVERY_S
    assert machine.cloud.jobs.get(job.id).stages["pose"].launches == 1
    waves(machine).begun.add(str(machine.cloud.jobs.get(job.id).stages["pose"].execution))
    machine.clock.now += machine.cloud.limits.start_within_s
    while pump.step():
        pass
    assert machine.cloud.jobs.get(job.id).stages["pose"].launches == 2, "its tasks never came up"
    assert machine.run_to_the_end(job.id).state == "done"


def test_a_job_writes_its_record_as_often_for_many_chunks_as_for_few(tmp_path: Path) -> None:
    few, many = (costs(tmp_path / str(chunks), chunks) for chunks in (5, 50))
    assert few["job_writes"] == many["job_writes"]
    assert many["messages"] - few["messages"] <= 45
    assert many["chunk_writes"] == 2 * (50 + 1)


def test_tasks_that_end_side_by_side_do_not_read_each_other_s_records(tmp_path: Path) -> None:
    few, many = (costs(tmp_path / str(chunks), chunks) for chunks in (5, 50))
    assert many["chunk_reads"] - few["chunk_reads"] <= 6 * 45


def costs(home: Path, chunks: int) -> Counts:
    """Return what a job asks of the cloud when all its tasks run at once."""
    home.mkdir()
    machine, counts = machine_of_waves(home, parallelism=chunks), Counts()
    machine.cloud = machine.launcher.cloud = counted(machine.cloud, counts)
    job = machine.run_to_the_end(submit(machine, slow_film(home / "film.mp4", chunks)).id)
    assert (job.state, job.duration_s) == ("done", chunks * UNIT_S)
    return counts
