"""The one place where real things are plugged into the ports; adapters are imported when they are needed."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from shared.errors import MontageError
from shared.ports import Clock, Cloud, Deliveries, PushVerifier
from shared.settings import GoogleSettings, Settings

LOCAL_SUBSCRIPTIONS = ("object-finalized", "stage-requested", "stage-done")
"""What the event pump of one machine has handlers for."""
NEEDED_ON_GOOGLE = ("project", "region", "uploads_bucket", "work_bucket", "downloads_bucket")
NEEDED_FOR_PUSHES = ("push_audience", "push_service_account")
VISIBILITY_S = 30.0  # the slowest handler looks at a source for 20 s; a killed pump's message comes back after this


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCloud(Cloud):
    """A cloud on one machine: its messages have to be pulled, and it has to be closed by whoever launches jobs."""

    deliveries: Deliveries
    closers: tuple[Callable[[], None], ...]

    def close(self) -> None:
        """Stop every task and close the files."""
        for closer in self.closers:
            closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(settings: Settings, *, clock: Clock = time.time) -> Cloud:
    """Return the cloud that the settings name. Nothing is opened, made or started before it is used."""
    match settings.cloud:
        case "local":
            return connect_local(settings, clock=clock)
        case "gcp":
            return connect_google(settings, clock=clock)


def connect_google(settings: Settings, *, clock: Clock = time.time) -> Cloud:
    """Return the Google Cloud that `settings.google` names, or its emulators.

    Raises MontageError `not_configured` where it leaves something open.
    """
    from shared.adapters.gcp.clients import GoogleClients
    from shared.adapters.gcp.cloud_run import CloudRunJobs
    from shared.adapters.gcp.cloud_storage import CloudStorage
    from shared.adapters.gcp.firestore import FirestoreJobs
    from shared.adapters.gcp.pubsub import PubSubBus

    google = settings.google
    _demand(google, NEEDED_ON_GOOGLE)
    clients = GoogleClients(google)
    timeout_s = google.timeout_s
    return Cloud(
        uploads=CloudStorage(clients.storage, google.uploads_bucket, timeout_s=timeout_s),
        work=CloudStorage(clients.storage, google.work_bucket, timeout_s=timeout_s),
        downloads=CloudStorage(clients.storage, google.downloads_bucket, timeout_s=timeout_s),
        jobs=FirestoreJobs(clients.firestore, clock=clock, limits=settings.limits, timeout_s=timeout_s),
        bus=PubSubBus(clients.publisher, project=google.project, topic_prefix=google.topic_prefix, timeout_s=timeout_s),
        launcher=CloudRunJobs(
            clients.run_jobs,
            clients.run_executions,
            project=google.project,
            region=google.region,
            job_prefix=google.job_prefix,
            timeout_s=timeout_s,
        ),
        clock=clock,
        limits=settings.limits,
    )


def connect_push_verifier(settings: Settings) -> PushVerifier:
    """Return what checks the tokens of pushes; on one machine, where nobody else can push, nothing is checked.

    Raises MontageError `not_configured` rather than letting everybody in.
    """
    google = settings.google
    if settings.cloud == "local":
        from shared.adapters.local.trusted_pushes import TrustedPushes

        return TrustedPushes()
    _demand(google, NEEDED_FOR_PUSHES)
    from shared.adapters.gcp.push_auth import PushTokens

    return PushTokens(
        audience=google.push_audience,
        service_account=google.push_service_account,
        certs_url=google.push_certs_url,
    )


def connect_local(settings: Settings, *, clock: Clock = time.time) -> LocalCloud:
    """Return this machine as a cloud, below `settings.home`."""
    from shared.adapters.local.folder_store import FolderStore
    from shared.adapters.local.process_launcher import ProcessLauncher
    from shared.adapters.local.sqlite_bus import SqliteBus
    from shared.adapters.local.sqlite_jobs import SqliteJobs

    home = settings.home.absolute()
    objects = home / "objects"
    jobs = SqliteJobs(home / "jobs.sqlite3", clock=clock, limits=settings.limits)
    bus = SqliteBus(
        home / "messages.sqlite3", clock=clock, subscriptions=LOCAL_SUBSCRIPTIONS, visibility_s=VISIBILITY_S
    )
    launcher = ProcessLauncher(settings, home=home, clock=clock)
    return LocalCloud(
        uploads=FolderStore(objects / "uploads", bucket="uploads", keeps_references=True, announce=bus.publish),
        work=FolderStore(objects / "work", bucket="work"),
        downloads=FolderStore(objects / "downloads", bucket="downloads"),
        jobs=jobs,
        bus=bus,
        launcher=launcher,
        clock=clock,
        limits=settings.limits,
        deliveries=bus,
        closers=(launcher.close, bus.close, jobs.close),
    )


def _demand(google: GoogleSettings, needed: Iterable[str]) -> None:
    missing = [name for name in needed if not getattr(google, name)]
    if missing:
        names = ", ".join(f"MONTAGE_GOOGLE_{name.upper()}" for name in missing)
        raise MontageError("not_configured", f"On Google Cloud these must be set: {names}.")
