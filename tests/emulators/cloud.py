"""The whole of Montage on Google Cloud, emulated: real clients, real functions and tasks as processes, real HTTP.

Firestore and Pub/Sub are Google's emulators; Cloud Storage, Cloud Run jobs, IAM's signBlob, push tokens, the trigger of
`on_upload` and the scheduler of the watchdog are ours. What this shows nothing about: rights, quotas, containers, time.
"""

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import DeadLetterPolicy, PushConfig, RetryPolicy, Subscription
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from functions.local.bundle import stage
from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.signed_urls import SignedUrls
from shared.connect import connect
from shared.domain.job import Job
from shared.domain.push_envelope import PushedMessage, PushEnvelope
from shared.ports import Cloud, UrlSigner
from shared.settings import GoogleSettings, Settings
from tests.emulators.bucket_cors import upload_rule
from tests.emulators.fake_iam import FakeIam, fake_iam
from tests.emulators.fake_run import FakeRun, fake_run
from tests.emulators.google import PROJECT, firestore_emulator, pubsub_emulator
from tests.emulators.processes import free_port, server
from tests.emulators.push_relay import PushRelay, push_relay
from tests.emulators.signing_keys import signing_key, with_key
from tests.emulators.storage_proxy import StorageProxy, storage_proxy

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
REGION = "europe-west1"
UPLOADER, DOWNLOADER, PUSHER = (f"{name}@{PROJECT}.iam.gserviceaccount.com" for name in ("upload", "download", "push"))
AUDIENCE = "https://functions.montage.test"
UPLOADS, WORK, DOWNLOADS, FOOTAGE = (f"{PROJECT}-{name}" for name in ("uploads", "work", "downloads", "footage"))
"""The buckets; the last one is another system's, which may ask for jobs of what is in it."""
SERVER_KEY = secrets.token_hex(32)
"""Secret of the functions, thrown away with the process."""
PUSHED = {"stage-requested": "on_stage_requested", "stage-done": "on_stage_done", "job-requests": "on_job_requested"}
"""Topics and the functions that their push subscriptions call."""
TOLD = ("job-events", "dead-letters")
"""Topics that other systems subscribe to."""
FUNCTIONS = ("on_upload", *PUSHED.values(), "watchdog", "api")
KINDS = {"on_upload": "--signature-type=cloudevent", "api": "--asgi"}
"""Of the functions that do not take a plain HTTP request."""
STAGES = ("pose", "transcribe", "merge")
ACK_DEADLINE_S = 60
MOST_DELIVERIES = 20
RETRY_S = (1, 10)  # from and to; 10 and 600 are Pub/Sub's own, and a test has no time for that
TAIL_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What another system was sent."""

    at: float
    topic: str
    message: PushedMessage

    @property
    def kind(self) -> str:
        """The CloudEvent's type."""
        return self.message.attributes["ce-type"]

    @property
    def job_id(self) -> str | None:
        return self.message.attributes.get("ce-subject")


@dataclass(kw_only=True)
class EmulatedCloud:
    """A running cloud, and what a test wants of it."""

    folder: Path
    """Logs of every process, and nothing else of interest."""
    settings: Settings
    cloud: Cloud
    """The same ports that functions and tasks have."""
    clients: GoogleClients
    uploads: UrlSigner
    """Signs for the uploads bucket."""
    downloads: UrlSigner
    """Signs for the downloads bucket."""
    storage: StorageProxy
    iam: FakeIam
    run: FakeRun
    relay: PushRelay
    functions: Mapping[str, str]
    """Names and URLs of the functions that run."""
    environment: Mapping[str, str]
    """What functions are told by their surroundings."""
    told: list[Told] = field(default_factory=list)
    """Everything other systems were sent, in order of arrival; at least once each."""

    def wait_for(
        self,
        job_ids: Sequence[str],
        *,
        timeout_s: float,
        until: Callable[[Job], bool] = lambda job: job.is_final and not job.outbox,
    ) -> list[Job]:
        """Return the jobs once all of them have ended and told so. Raises TimeoutError."""
        give_up_at = time.monotonic() + timeout_s
        waiting = list(job_ids)
        while waiting := [job_id for job_id in waiting if not until(self.cloud.jobs.get(job_id))]:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"not ended: {[self.cloud.jobs.get(job_id) for job_id in waiting]}")
            time.sleep(0.3)
        return [self.cloud.jobs.get(job_id) for job_id in job_ids]

    def kinds(self, job_id: str) -> set[str]:
        """Return the types of the events that were told about a job so far."""
        return {told.kind for told in self.told if told.topic == "job-events" and told.job_id == job_id}

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Print the end of every log when the block fails."""
        try:
            yield
        except BaseException:
            print(tails(self.folder), file=sys.stderr)
            raise


def tails(folder: Path) -> str:
    """Return the last lines of every log in a folder and below."""
    parts = []
    for path in sorted(folder.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()
        parts.append("\n".join([f"--- {path.relative_to(folder)} ({len(lines)} lines)", *lines[-TAIL_LINES:]]))
    return "\n".join(parts)


@contextmanager
def emulated_cloud(
    folder: Path,
    *,
    functions: Sequence[str] = FUNCTIONS,
    models: Path | None = None,
    environment: Mapping[str, str] | None = None,
    watchdog_every_s: float = 3.0,
    parallelism: int = 2,
    tasks_at_once: int = 4,
    event_times: int = 1,
    line_to_storage: Callable[[StorageProxy], AbstractContextManager[str]] | None = None,
) -> Iterator[EmulatedCloud]:
    """Run everything until the block ends; nothing is left behind but logs in `folder`, which must be there.

    The functions run from a bundle staged as for deployment. `environment` goes to functions and tasks on top of the
    settings. Each storage event is delivered `event_times` times. `line_to_storage` may put something before the
    storage and yields the URL by which everybody reaches it then. The page that the function `api` shows may use the
    buckets that signed addresses lead to.
    """
    ports = {name: free_port() for name in functions}
    urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
    told: list[Told] = []
    stage(bundle := folder / "functions")
    with ExitStack() as stack:
        relay = stack.enter_context(push_relay(audience=AUDIENCE, service_account=PUSHER))
        relay.endpoints.update(urls)
        relay.receivers.update({topic: _ear(topic, told) for topic in TOLD})
        firestore, pubsub, storage = _all_of(
            stack,
            firestore_emulator(folder),
            pubsub_emulator(folder),
            _storage(folder, events_to=urls["on_upload"], event_times=event_times),
        )
        storage_url = stack.enter_context(line_to_storage(storage)) if line_to_storage else storage.url
        iam = stack.enter_context(fake_iam({UPLOADER, DOWNLOADER}))
        run_port = free_port()
        settings = _settings(
            folder,
            models,
            storage_url=storage_url,
            firestore=firestore,
            pubsub=pubsub,
            run=f"127.0.0.1:{run_port}",
            iam=iam.host,
        )
        given = {
            **_plain_environment(),
            **settings.as_environment(),
            **_function_settings(relay),
            **(environment or {}),
        }
        (tasks := folder / "tasks").mkdir()
        run = stack.enter_context(
            fake_run(
                {name: [sys.executable, "-m", f"jobs.{name}"] for name in STAGES},
                environment={**given, "PYTHONPATH": str(ROOT)},
                project=PROJECT,
                region=REGION,
                parallelism=parallelism,
                tasks_at_once=tasks_at_once,
                logs=tasks,
                port=run_port,
            )
        )
        _make_topics(pubsub, relay, functions)
        clients = stack.enter_context(closing(GoogleClients(settings.google)))
        for bucket in (UPLOADS, WORK, DOWNLOADS, FOOTAGE):
            clients.storage.create_bucket(bucket)
        if "api" in urls:
            for bucket in (UPLOADS, DOWNLOADS):
                _let_in(clients, bucket, page=urls["api"].rstrip("/"))
        _all_of(stack, *(_function(name, bundle, folder, port, given) for name, port in ports.items()))
        cloud = connect(settings)
        stack.callback(_close, cloud)
        stack.enter_context(_scheduled(relay, "watchdog", every_s=watchdog_every_s))
        signers = {"uploads": with_key(UPLOADER), "downloads": with_key(DOWNLOADER)}
        yield EmulatedCloud(
            folder=folder,
            settings=settings,
            cloud=cloud,
            clients=clients,
            uploads=SignedUrls(clients.storage, UPLOADS, **signers),
            downloads=SignedUrls(clients.storage, DOWNLOADS, **signers),
            storage=storage,
            iam=iam,
            run=run,
            relay=relay,
            functions=urls,
            environment=given,
            told=told,
        )


def _let_in(clients: GoogleClients, name: str, *, page: str) -> None:
    bucket = clients.storage.bucket(name)
    bucket.cors = [dict(upload_rule([page]))]
    bucket.patch()


def _settings(
    folder: Path, models: Path | None, *, storage_url: str, firestore: str, pubsub: str, run: str, iam: str
) -> Settings:
    google = GoogleSettings(
        project=PROJECT,
        region=REGION,
        uploads_bucket=UPLOADS,
        work_bucket=WORK,
        downloads_bucket=DOWNLOADS,
        upload_signer=UPLOADER,
        download_signer=DOWNLOADER,
        storage_emulator_host=storage_url,
        firestore_emulator_host=firestore,
        pubsub_emulator_host=pubsub,
        run_emulator_host=run,
        iam_emulator_host=iam,
    )
    return Settings(cloud="gcp", home=folder / "home", models=models or Settings().models, google=google)


def _function_settings(relay: PushRelay) -> dict[str, str]:
    return {
        "MONTAGE_GOOGLE_PUSH_AUDIENCE": relay.audience,
        "MONTAGE_GOOGLE_PUSH_SERVICE_ACCOUNT": relay.service_account,
        "MONTAGE_GOOGLE_PUSH_CERTS_URL": relay.certs_url,
        "MONTAGE_GOOGLE_REQUEST_BUCKETS": FOOTAGE,
        "MONTAGE_REQUIRE_KEYS": "true",
        "MONTAGE_SERVER_KEY": SERVER_KEY,
    }


def _plain_environment() -> dict[str, str]:
    """Return what every process needs of ours, and nothing that would set Montage or Google up differently."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}


def _all_of(stack: ExitStack, *starting: AbstractContextManager[Any]) -> list[Any]:
    """Enter them all at the same time, and leave them when the stack is left, also when one of them fails."""
    with ThreadPoolExecutor(len(starting)) as pool:
        return list(pool.map(stack.enter_context, starting))


def _storage(folder: Path, *, events_to: str, event_times: int) -> AbstractContextManager[StorageProxy]:
    public = {
        email: signing_key(email).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for email in (UPLOADER, DOWNLOADER)
    }
    return storage_proxy(
        folder,
        keys=public,
        rights={UPLOADER: {("create", UPLOADS)}, DOWNLOADER: {("get", DOWNLOADS), ("get", UPLOADS)}},
        events_to=events_to,
        events_of={UPLOADS},
        event_times=event_times,
    )


def _function(
    name: str, bundle: Path, folder: Path, port: int, environment: Mapping[str, str]
) -> AbstractContextManager[Any]:
    """Run a function as the platform does, with its own sources alone to import from."""
    program = Path(sys.executable).with_name("functions-framework")
    own = {"FUNCTION_TARGET": name, "PYTHONPATH": str(bundle)}  # before what may be installed beside the framework
    kind = KINDS.get(name, "--signature-type=http")
    where = [f"--source={bundle / 'main.py'}", f"--target={name}", "--host=127.0.0.1", f"--port={port}"]
    command: list[str | Path] = [program, kind, *where]
    return server(command, log=folder / f"{name}.log", port=port, environment={**environment, **own})


def _make_topics(host: str, relay: PushRelay, functions: Sequence[str]) -> None:
    """Make every topic, the push subscriptions of the functions that run, and those of other systems."""
    with grpc.insecure_channel(host) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic in (*PUSHED, *TOLD):
            publisher.create_topic(name=_topic(topic))
        for topic, function in PUSHED.items():
            if function in functions:
                subscriber.create_subscription(_push(topic, relay, to=function, is_ours=True))
        for topic in TOLD:
            subscriber.create_subscription(_push(topic, relay, to=topic, is_ours=False))


def _push(topic: str, relay: PushRelay, *, to: str, is_ours: bool) -> Subscription:
    token = PushConfig.OidcToken(service_account_email=relay.service_account, audience=relay.audience)
    burial = DeadLetterPolicy(dead_letter_topic=_topic("dead-letters"), max_delivery_attempts=MOST_DELIVERIES)
    first, longest = (Duration(seconds=each) for each in RETRY_S)
    return Subscription(
        name=f"projects/{PROJECT}/subscriptions/{topic}-{'push' if is_ours else 'watcher'}",
        topic=_topic(topic),
        push_config=PushConfig(push_endpoint=relay.url_of(to), oidc_token=token),
        ack_deadline_seconds=ACK_DEADLINE_S,
        retry_policy=RetryPolicy(minimum_backoff=first, maximum_backoff=longest),
        dead_letter_policy=burial if is_ours else None,
    )


def _topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def _ear(topic: str, told: list[Told]) -> Callable[[bytes], None]:
    def hear(body: bytes) -> None:
        told.append(Told(at=time.time(), topic=topic, message=PushEnvelope.model_validate_json(body).message))

    return hear


@contextmanager
def _scheduled(relay: PushRelay, name: str, *, every_s: float) -> Iterator[None]:
    """Call a function every few seconds, as Cloud Scheduler does every minute."""
    is_over = Event()

    def call() -> None:
        while not is_over.wait(every_s):
            with suppress(httpx.HTTPError):
                status = relay.deliver(name, b"{}")
                if status >= 300:
                    log.warning("%s answered %d", name, status)

    thread = Thread(target=call, name="scheduler")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _close(cloud: Cloud) -> None:
    for held in (cloud.uploads, cloud.work, cloud.downloads, cloud.jobs, cloud.bus, cloud.launcher):
        if close := getattr(held, "close", None):
            close()
