"""The one place where real things are plugged into the ports; adapters are imported when they are needed."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self
from urllib.parse import urlsplit

from shared.errors import MontageError
from shared.local_ports import GrantedUrls, ServedObjects
from shared.ports import Clock, Cloud, DeadLetters, Deliveries, KeyStore, PushVerifier, RequestRules, Signers
from shared.settings import GoogleSettings, Settings, listed

LOCAL_SUBSCRIPTIONS = ("object-finalized", "stage-requested", "stage-done", "job-requests")
"""What the event pump of one machine has handlers for."""
NEEDED_ON_GOOGLE = ("project", "region", "uploads_bucket", "work_bucket", "downloads_bucket")
NEEDED_FOR_SIGNING = ("project", "uploads_bucket", "downloads_bucket")
NEEDED_FOR_PUSHES = ("push_audience", "push_service_account")
RECORDS = "jobs.sqlite3"
MESSAGES = "messages.sqlite3"
CLOUD_STORAGE = "https://storage.googleapis.com"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBucket:
    """What a server of one machine's objects works with."""

    store: ServedObjects
    urls: GrantedUrls


def connect(settings: Settings, *, clock: Clock = time.time) -> Cloud:
    """Return the cloud that the settings name. Nothing is opened, made or started there before it is used."""
    match settings.cloud:
        case "local":
            return connect_local(settings, clock=clock)
        case "gcp":
            return connect_google(settings, clock=clock)


def connect_google(settings: Settings, *, clock: Clock = time.time) -> Cloud:
    """Return the Google Cloud that `settings.google` names, or its emulators.

    Raises MontageError `not_configured` where it leaves something open, and `not_allowed` without credentials.
    """
    from shared.adapters.gcp.clients import GoogleClients
    from shared.adapters.gcp.cloud_run import CloudRunJobs
    from shared.adapters.gcp.cloud_storage import CloudStorage
    from shared.adapters.gcp.failures import translated
    from shared.adapters.gcp.firestore import FirestoreJobs
    from shared.adapters.gcp.pubsub import PubSubBus

    google = settings.google
    _demand(google, NEEDED_ON_GOOGLE)
    clients = GoogleClients(google)
    timeout_s = google.timeout_s
    with translated("Connecting to Google Cloud"):  # its clients look for credentials as they are made
        return Cloud(
            uploads=CloudStorage(clients.storage, google.uploads_bucket, timeout_s=timeout_s),
            work=CloudStorage(clients.storage, google.work_bucket, timeout_s=timeout_s),
            downloads=CloudStorage(clients.storage, google.downloads_bucket, timeout_s=timeout_s),
            jobs=FirestoreJobs(clients.firestore, clock=clock, limits=settings.limits, timeout_s=timeout_s),
            bus=PubSubBus(
                clients.publisher, project=google.project, topic_prefix=google.topic_prefix, timeout_s=timeout_s
            ),
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
            requests=RequestRules(
                buckets=frozenset(listed(google.request_buckets)), server_key=lambda: _set_key(settings)
            ),
        )


def _set_key(settings: Settings) -> bytes:
    """Return the key that is set. Raises MontageError `not_configured` when none is."""
    if settings.server_key is None:
        raise MontageError("not_configured", "On Google Cloud job requests need MONTAGE_SERVER_KEY to be set.")
    return settings.server_key.get_secret_value().encode()


def _own_key(settings: Settings) -> bytes:
    """Return the key that is set, else the one that this machine made for itself."""
    from shared.adapters.local.server_key import kept_server_key

    return _set_key(settings) if settings.server_key else kept_server_key(settings.home.absolute() / "server.key")


def connect_signers(settings: Settings, *, clock: Clock = time.time) -> Signers:
    """Return who signs addresses of the cloud's objects. Nothing is opened or made there before one is signed.

    Raises MontageError `not_configured` where something is left open, and `not_allowed` without credentials.
    """
    if settings.cloud == "gcp":
        return _google_signers(settings.google)
    from shared.adapters.local.disk_room import demand_room
    from shared.adapters.local.signed_urls import FolderUrls

    sign = partial(FolderUrls, public_url=settings.public_url, server_key=partial(_own_key, settings), clock=clock)
    room = partial(demand_room, settings.home.absolute() / "objects", reserve_bytes=settings.disk_reserve_bytes)
    return Signers(uploads=sign("uploads", demand_room=room), downloads=sign("downloads"))


def local_buckets(cloud: Cloud, signers: Signers) -> Mapping[str, LocalBucket]:
    """Return the buckets of one machine that people reach, by name. Raises TypeError for those of another cloud."""
    from shared.adapters.local.folder_store import FolderStore
    from shared.adapters.local.signed_urls import FolderUrls

    found = {}
    for name, store, urls in (
        ("uploads", cloud.uploads, signers.uploads),
        ("downloads", cloud.downloads, signers.downloads),
    ):
        if not (isinstance(store, FolderStore) and isinstance(urls, FolderUrls)):
            raise TypeError(f"the bucket {name} is not on this machine")
        found[name] = LocalBucket(store=store, urls=urls)
    return found


def storage_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins that signed addresses lead to, for a page's Content-Security-Policy.

    That has no words for an address of IPv6: none is returned for one, which a page opened there calls its own anyway.
    """
    url = settings.public_url if settings.cloud == "local" else settings.google.storage_emulator_host or CLOUD_STORAGE
    there = urlsplit(url if "://" in url else f"http://{url}")
    return () if "[" in there.netloc else (f"{there.scheme}://{there.netloc.rpartition('@')[2]}".lower(),)


def storage_folders(settings: Settings) -> tuple[str, ...]:
    """Return where signed addresses of objects lead to, as narrow as a policy can name it: buckets on Google Cloud."""
    google = settings.google
    buckets = [name for name in (google.uploads_bucket, google.downloads_bucket) if name]
    if settings.cloud == "local" or google.storage_emulator_host or not buckets:
        return storage_origins(settings)
    return tuple(f"{CLOUD_STORAGE}/{name}/" for name in buckets)


def _google_signers(google: GoogleSettings) -> Signers:
    from shared.adapters.gcp.clients import GoogleClients
    from shared.adapters.gcp.failures import translated
    from shared.adapters.gcp.signed_urls import SignedUrls, signing

    _demand(google, NEEDED_FOR_SIGNING)
    with translated("Connecting to Google Cloud"):
        client = GoogleClients(google).storage
        uploader, downloader = (
            signing(email, timeout_s=google.timeout_s, emulator_host=google.iam_emulator_host)
            for email in (google.upload_signer, google.download_signer)
        )
    return Signers(
        uploads=SignedUrls(client, google.uploads_bucket, uploads=uploader, downloads=downloader),
        downloads=SignedUrls(client, google.downloads_bucket, uploads=uploader, downloads=downloader),
    )


def connect_dead_letters(settings: Settings, *, clock: Clock = time.time) -> DeadLetters:
    """Return the dead letters of the cloud that the settings name. Raises MontageError `not_configured`."""
    if settings.cloud == "local":
        from shared.adapters.local.sqlite_dead_letters import SqliteDeadLetters

        return SqliteDeadLetters(settings.home.absolute() / MESSAGES, clock=clock)
    from shared.adapters.gcp.clients import GoogleClients
    from shared.adapters.gcp.pubsub_dead_letters import PubSubDeadLetters

    google = settings.google
    if not google.project:
        raise MontageError("not_configured", "On Google Cloud this must be set: MONTAGE_GOOGLE_PROJECT.")
    clients = GoogleClients(google)
    return PubSubDeadLetters(
        clients.subscriber,
        clients.publisher,
        project=google.project,
        topic_prefix=google.topic_prefix,
        timeout_s=google.timeout_s,
    )


def connect_keys(settings: Settings) -> KeyStore:
    """Return the API keys of the cloud that the settings name. Raises MontageError `not_configured`."""
    if settings.cloud == "local":
        from shared.adapters.local.sqlite_keys import SqliteKeys

        return SqliteKeys(settings.home.absolute() / RECORDS)
    from shared.adapters.gcp.clients import GoogleClients
    from shared.adapters.gcp.failures import translated
    from shared.adapters.gcp.firestore_keys import FirestoreKeys

    google = settings.google
    _demand(google, ("project",))
    with translated("Connecting to Google Cloud"):
        return FirestoreKeys(GoogleClients(google).firestore, timeout_s=google.timeout_s)


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
    jobs = SqliteJobs(home / RECORDS, clock=clock, limits=settings.limits)
    bus = SqliteBus(home / MESSAGES, clock=clock, subscriptions=LOCAL_SUBSCRIPTIONS, visibility_s=VISIBILITY_S)
    launcher = ProcessLauncher(settings, home=home, clock=clock)
    folders = settings.folders_of_requests
    uploads = FolderStore(
        objects / "uploads",
        bucket="uploads",
        keeps_references=True,
        announce=bus.publish,
        elsewhere=folders,
        reserve_bytes=settings.disk_reserve_bytes,
        clock=clock,
    )
    return LocalCloud(
        uploads=uploads,
        work=FolderStore(objects / "work", bucket="work"),
        downloads=FolderStore(objects / "downloads", bucket="downloads"),
        jobs=jobs,
        bus=bus,
        launcher=launcher,
        clock=clock,
        limits=settings.limits,
        requests=RequestRules(
            buckets=frozenset(folders),
            server_key=partial(_own_key, settings),
        ),
        deliveries=bus,
        closers=(launcher.close, bus.close, jobs.close),
    )


def _demand(google: GoogleSettings, needed: Iterable[str]) -> None:
    missing = [name for name in needed if not getattr(google, name)]
    if missing:
        names = ", ".join(f"MONTAGE_GOOGLE_{name.upper()}" for name in missing)
        raise MontageError("not_configured", f"On Google Cloud these must be set: {names}.")
