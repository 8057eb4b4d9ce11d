"""The records' contracts against Google's Firestore emulator, and what only a service far away can do to us."""

import multiprocessing
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, CommitRequest, RunQueryResponse

from shared.adapters.gcp import documents
from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.documents import Documents
from shared.adapters.gcp.firestore import FirestoreJobs
from shared.adapters.gcp.firestore_keys import FirestoreKeys
from shared.domain.batch import Batch
from shared.domain.chunk import Held, Lease, Superseded
from shared.domain.job import SCHEMA_VERSION, Job
from shared.domain.limits import Limits
from shared.domain.listing import JobQuery, Place, page_token
from shared.errors import BadRequest, LeaseLost, MontageError, NotFound, TryAgain
from shared.ports import Clock
from shared.settings import GoogleSettings
from tests.contracts.hand_clock import HandClock
from tests.contracts.job_store import LIMITS, OOPS, JobStoreContract, Make, counted, leased, new_job, start, with_run
from tests.contracts.key_store import KeyStoreContract
from tests.contracts.key_store import Make as MakeKeys
from tests.emulators.grpc_relay import Relay, grpc_relay

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

TIMEOUT_S = 20.0
UNAVAILABLE, TOO_LATE = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED

_clients: dict[tuple[str, str], firestore.Client] = {}
_one_at_a_time = threading.Lock()


def client_of(host: str, project: str) -> firestore.Client:
    """Return this process's client of the project; threads share it as they do in a function."""
    with _one_at_a_time, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", host)  # where the library looks when a client is made
        if (host, project) not in _clients:
            settings = GoogleSettings(project=project, firestore_emulator_host=host)
            _clients[host, project] = GoogleClients(settings).firestore
        return _clients[host, project]


def jobs_of(host: str, project: str, *, clock: Clock, limits: Limits) -> FirestoreJobs:
    return FirestoreJobs(client_of(host, project), clock=clock, limits=limits, timeout_s=TIMEOUT_S)


def keys_of(host: str, project: str) -> FirestoreKeys:
    return FirestoreKeys(client_of(host, project), timeout_s=TIMEOUT_S)


@pytest.fixture
def project() -> Iterator[str]:
    """A project nobody used before. (Wiping one is refused while the emulator holds locks in it.)"""
    name = f"montage-{secrets.token_hex(6)}"
    yield name
    for each in [key for key in _clients if key[1] == name]:
        client: Any = _clients.pop(each)
        client.close()


class TestFirestoreJobs(JobStoreContract):
    @pytest.fixture
    def make(self, firestore_host: str, project: str) -> Make:
        return partial(jobs_of, firestore_host, project)


class TestFirestoreKeys(KeyStoreContract):
    @pytest.fixture
    def make(self, firestore_host: str, project: str) -> MakeKeys:
        return partial(keys_of, firestore_host, project)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def make(firestore_host: str, project: str) -> Make:
    return partial(jobs_of, firestore_host, project)


@pytest.fixture
def jobs(make: Make, clock: HandClock) -> FirestoreJobs:
    store = make(clock=clock, limits=LIMITS)
    store.create(new_job())
    assert isinstance(store, FirestoreJobs)
    return store


@pytest.fixture
def relay(firestore_host: str) -> Iterator[Relay]:
    with grpc_relay(firestore_host) as relay:
        yield relay


@pytest.fixture
def far(jobs: FirestoreJobs, relay: Relay, project: str, clock: HandClock) -> FirestoreJobs:
    """The same store, behind the relay."""
    return jobs_of(relay.host, project, clock=clock, limits=LIMITS)


@pytest.fixture
def document(firestore_host: str, jobs: FirestoreJobs, project: str) -> firestore.DocumentReference:
    return client_of(firestore_host, project).collection("jobs").document("job")


# Erasing


@pytest.mark.parametrize("dies_at", range(5))
def test_a_job_whose_forgetting_was_cut_off_is_still_there_to_be_forgotten_and_cannot_be_made_anew(
    jobs: FirestoreJobs, document: firestore.DocumentReference, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    jobs.update("job", lambda job: replace(job, batch="batch"))
    jobs.create_batch(Batch(id="batch", owner="someone", created_at=1.0, job_ids=("job",)))
    for index in range(3):
        leased(jobs, index)
    count, delete = 0, Documents.delete

    def dying(documents: Documents, reference: firestore.DocumentReference) -> None:
        nonlocal count
        if count == dies_at:
            raise KeyboardInterrupt
        count += 1
        delete(documents, reference)

    with monkeypatch.context() as patch:
        patch.setattr(Documents, "delete", dying)
        with pytest.raises(KeyboardInterrupt):
            jobs.forget("job")
    assert jobs.get("job").id == "job", "the record goes last"
    assert jobs.was_erased("job"), "the tombstone comes first"
    assert not jobs.create(new_job())
    jobs.forget("job")
    assert not document.get().exists
    assert list(document.collection("chunks").stream()) == []
    with pytest.raises(NotFound):
        jobs.get_batch("batch")
    with pytest.raises(NotFound):
        jobs.get("job")


def test_a_tombstone_says_when_it_may_go_and_not_whose_it_is(
    jobs: FirestoreJobs, firestore_host: str, project: str, clock: HandClock
) -> None:
    jobs.forget("job")
    (tombstone,) = client_of(firestore_host, project).collection("tombstones").stream()
    fields = tombstone.to_dict() or {}
    assert fields.pop("expires_at").timestamp() == clock.now + 8 * 24 * 3600, "a time, as the policy needs"
    assert fields.keys() == {"written_by"}
    assert "job" not in tombstone.id


# What is lost on the way


@pytest.mark.parametrize("status", [UNAVAILABLE, TOO_LATE])
def test_a_job_whose_creation_got_no_answer_is_created_once_and_by_us(
    far: FirestoreJobs, relay: Relay, status: grpc.StatusCode
) -> None:
    relay.lose_answer("Commit", status)
    assert far.create(new_job("new"))
    assert not far.create(new_job("new"))
    assert len(relay.seen("Commit")) == 1


def test_a_creation_without_an_answer_is_still_ours_when_another_changed_the_job_since(
    far: FirestoreJobs, jobs: FirestoreJobs, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(seconds: float) -> None:
        if seconds:
            jobs.update("new", counted)

    monkeypatch.setattr("shared.adapters.gcp.documents.time.sleep", meanwhile)
    relay.lose_answer("Commit", UNAVAILABLE)
    assert far.create(new_job("new"))
    assert far.get("new").numbers == {"count": 1}


def test_a_creation_that_never_arrived_is_tried_again(far: FirestoreJobs, relay: Relay) -> None:
    relay.refuse("Commit", UNAVAILABLE)
    assert far.create(new_job("new"))
    assert far.get("new") == new_job("new")


@pytest.mark.parametrize("status", [UNAVAILABLE, TOO_LATE])
def test_a_change_whose_answer_was_lost_is_made_once(far: FirestoreJobs, relay: Relay, status: grpc.StatusCode) -> None:
    relay.lose_answer("Commit", status)
    assert far.update("job", counted).numbers == {"count": 1}
    assert far.get("job").numbers == {"count": 1}
    assert len(relay.seen("Commit")) == 1


def test_a_change_whose_answer_never_came_is_made_once(
    jobs: FirestoreJobs, relay: Relay, project: str, clock: HandClock
) -> None:
    hasty = FirestoreJobs(client_of(relay.host, project), clock=clock, limits=LIMITS, timeout_s=2.0)
    hasty.get("job")  # the connection is made
    relay.lose_answer("Commit", None)
    assert hasty.update("job", counted).numbers == {"count": 1}
    relay.lose_answer("Commit", None)
    assert hasty.create(new_job("new"))
    assert len(relay.seen("Commit")) == 2


def test_a_lease_whose_answer_was_lost_is_the_one_on_record(far: FirestoreJobs, relay: Relay) -> None:
    relay.lose_answer("Commit", UNAVAILABLE)
    lease = leased(far)
    assert lease.attempt == 1
    far.beat(lease, 0.5)
    assert start(far) == Held()


def test_an_end_whose_answer_was_lost_is_ours(far: FirestoreJobs, relay: Relay) -> None:
    first, second, third = (leased(far, index) for index in range(3))
    relay.lose_answer("Commit", TOO_LATE)
    far.finish_chunk(first, result="part", numbers={})
    relay.lose_answer("Commit", TOO_LATE)
    assert far.fail_chunk(second, OOPS, is_final=True).state == "failed"
    relay.lose_answer("Commit", TOO_LATE)
    far.hand_back_chunk(third)
    assert [chunk.state for chunk in far.chunks("job", "pose")] == ["done", "failed", "pending"]
    assert len(relay.seen("Commit")) == 6


def test_a_service_that_stays_away_is_worth_another_try_later(far: FirestoreJobs, relay: Relay) -> None:
    relay.refuse("Commit", UNAVAILABLE, times=99)
    with pytest.raises(TryAgain, match=r"jobs/job .*refused on purpose"):
        far.update("job", counted)
    assert len(relay.seen("Commit")) == documents.LOST_ANSWERS + 1
    assert far.get("job") == new_job()


def test_a_read_is_repeated(far: FirestoreJobs, relay: Relay) -> None:
    relay.refuse("BatchGetDocuments", UNAVAILABLE)
    assert far.get("job") == new_job()
    relay.refuse("RunQuery", UNAVAILABLE)
    assert list(far.list()) == [new_job()]
    relay.refuse("RunAggregationQuery", UNAVAILABLE)
    assert far.chunk_summary("job", "pose").done == 0


def test_what_is_not_allowed_says_so(far: FirestoreJobs, relay: Relay) -> None:
    relay.refuse("Commit", grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(MontageError, match="not allowed") as raised:
        far.update("job", counted)
    assert raised.value.code == "not_allowed"


# Others at the same time


def test_a_record_that_never_stands_still_is_worth_another_try_later(
    jobs: FirestoreJobs, make: Make, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "TRIES", 3)
    other = make(clock=clock, limits=LIMITS)

    def overtaken(job: Job) -> Job:
        other.update("job", counted)
        return replace(job, labels={"mine": "yes"})

    with pytest.raises(TryAgain) as raised:
        jobs.update("job", overtaken)
    assert raised.value.code == "record_busy"
    assert (jobs.get("job").numbers, jobs.get("job").labels) == ({"count": 3}, {})


@pytest.mark.parametrize(
    "change", [with_run("run-2"), lambda job: replace(job, state="cancelled")], ids=["another run", "cancelled"]
)
def test_a_task_whose_job_changes_while_it_starts_is_superseded(
    jobs: FirestoreJobs, make: Make, change: Callable[[Job], Job]
) -> None:
    meddler = Meddler(lambda: jobs.update("job", change))
    assert start(make(clock=meddler, limits=LIMITS)) == Superseded()
    (chunk,) = jobs.chunks("job", "pose")
    assert (chunk.state, chunk.lease, chunk.attempts) == ("pending", None, 0)


def test_a_task_of_the_new_run_that_is_quicker_keeps_its_lease(jobs: FirestoreJobs, make: Make) -> None:
    taken: list[Lease] = []

    def overtake() -> None:
        jobs.update("job", with_run("run-2"))
        taken.append(leased(jobs, run_id="run-2"))

    assert start(make(clock=Meddler(overtake), limits=LIMITS)) == Superseded()
    jobs.beat(taken[0], 0.5)


def test_a_task_that_was_replaced_between_its_look_and_its_write_has_lost_its_lease(
    jobs: FirestoreJobs, make: Make
) -> None:
    lease = leased(jobs)
    meddler = Meddler(lambda: leased(jobs, task_attempt=1))
    with pytest.raises(LeaseLost):
        make(clock=meddler, limits=LIMITS).finish_chunk(lease, result="late", numbers={})
    assert jobs.chunks("job", "pose")[0].state == "running"


def test_a_task_whose_job_is_gone_has_lost_its_lease(
    jobs: FirestoreJobs, document: firestore.DocumentReference
) -> None:
    lease = leased(jobs)
    document.delete()  # which leaves the documents below it
    with pytest.raises(LeaseLost):
        jobs.beat(lease, 0.5)
    with pytest.raises(NotFound):
        start(jobs, 1)


def end_here(job: Job) -> Job:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


def change_and_end(make: Make) -> None:
    make(clock=HandClock(), limits=LIMITS).update("job", end_here)


def test_a_process_killed_in_the_middle_of_a_change_leaves_no_lock(jobs: FirestoreJobs, make: Make) -> None:
    process = multiprocessing.get_context("spawn").Process(target=change_and_end, args=(make,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    began_at = time.monotonic()
    assert jobs.update("job", counted).numbers == {"count": 1}
    assert time.monotonic() - began_at < 2.0  # after which the emulator would give up a lock


class Meddler(HandClock):
    """A clock that somebody uses to do something: stores ask the time between reading and writing."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    def __call__(self) -> float:
        act, self._act = self._act, None
        if act is not None:
            act()
        return super().__call__()


# What it costs


def test_a_heartbeat_reads_two_documents_and_writes_one_if_it_moved(
    far: FirestoreJobs, relay: Relay, clock: HandClock
) -> None:
    lease = leased(far)
    relay.calls.clear()
    far.beat(lease, 0.25)
    assert costs(relay) == (2, 1)
    far.beat(lease, 0.25)
    assert costs(relay) == (4, 1)


def test_a_chunk_is_written_twice_and_once_per_heartbeat_and_its_job_never(far: FirestoreJobs, relay: Relay) -> None:
    relay.calls.clear()
    lease = leased(far)
    for position in (0.25, 0.5, 0.75):
        far.beat(lease, position)
    far.finish_chunk(lease, result="part", numbers={})
    assert costs(relay) == (3 + 3 * 2 + 1, 2 + 3)
    assert all(write.update.name.endswith("/chunks/pose-00000") for write in writes(relay))


def test_a_summary_of_many_done_chunks_reads_none_of_them(
    far: FirestoreJobs, jobs: FirestoreJobs, relay: Relay
) -> None:
    for index in range(3):
        jobs.finish_chunk(leased(jobs, index), result="part", numbers={})
    leased(jobs, 3)
    far.chunk_summary("job", "pose")
    assert [call.method for call in relay.calls] == ["RunQuery", "RunAggregationQuery"]
    found = [RunQueryResponse.deserialize(answer) for method, answer in relay.answers if method == "RunQuery"]
    assert [answer.document.name.rpartition("/")[2] for answer in found if answer.document.name] == ["pose-00003"]


def test_who_asks_how_many_have_ended_reads_no_chunk(far: FirestoreJobs, jobs: FirestoreJobs, relay: Relay) -> None:
    for index in range(3):
        leased(jobs, index)
    far.ended_chunks("job", "pose")
    assert [call.method for call in relay.calls] == ["RunAggregationQuery"]


def writes(relay: Relay) -> list[Any]:
    return [write for request in relay.seen("Commit") for write in CommitRequest.deserialize(request).writes]


def costs(relay: Relay) -> tuple[int, int]:
    """Return how many documents were read and written."""
    reads = [BatchGetDocumentsRequest.deserialize(request) for request in relay.seen("BatchGetDocuments")]
    return sum(len(request.documents) for request in reads), len(writes(relay))


# Records of other versions, and too large ones


def test_a_record_of_an_older_montage_is_read(jobs: FirestoreJobs, document: firestore.DocumentReference) -> None:
    document.update({"body.sound": firestore.DELETE_FIELD, "body.schema_version": firestore.DELETE_FIELD})
    assert jobs.get("job") == new_job()
    assert jobs.update("job", counted).schema_version == SCHEMA_VERSION


def test_a_record_with_a_field_of_the_future_is_read(
    jobs: FirestoreJobs, document: firestore.DocumentReference
) -> None:
    document.update({"body.mood": "sunny"})
    assert jobs.get("job") == new_job()


def test_a_record_larger_than_a_document_is_refused(jobs: FirestoreJobs) -> None:
    with pytest.raises(MontageError) as raised:
        jobs.update("job", lambda job: replace(job, labels={"k": "v" * 2**20}))
    assert raised.value.code == "record_refused"
    assert not isinstance(raised.value, TryAgain)
    assert jobs.get("job") == new_job()


def test_a_forged_page_token_leads_nowhere_else(jobs: FirestoreJobs) -> None:
    with pytest.raises(BadRequest) as raised:
        jobs.page(
            JobQuery(), limit=1, token=page_token(JobQuery(), Place(created_at=0.0, job_id="job/chunks/pose-00000"))
        )
    assert raised.value.code == "bad_page_token"


def test_a_job_cannot_be_created_under_an_id_no_document_can_have(jobs: FirestoreJobs) -> None:
    with pytest.raises(ValueError, match="a/b"):
        jobs.create(new_job("a/b"))
