"""Google's clients, made when they are first used: real ones, or ones that talk to an emulator without TLS."""

from functools import cached_property

import grpc
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud import firestore, run_v2
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import (
    BatchSettings,
    LimitExceededBehavior,
    PublisherOptions,
    PublishFlowControl,
)
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.storage import Client as StorageClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.settings import GoogleSettings

BATCHES = BatchSettings(max_latency=0.005)
"""A lone message waits 5 ms for company, little beside the call itself; threads that publish at once share a call."""
FLOW = PublishFlowControl(
    message_limit=1000, byte_limit=20_000_000, limit_exceeded_behavior=LimitExceededBehavior.ERROR
)
"""The largest message, 10 MB, fits twice. Beyond it a message is refused, because a blocked caller has no timeout."""


class GoogleClients:
    """One of each client for a process; all of them are safe for threads.

    A service whose emulator the settings name is reached there, without credentials. Cloud Run's client has no way of
    its own to do without TLS, so it is given a channel.
    """

    def __init__(self, settings: GoogleSettings) -> None:
        self.settings = settings

    @cached_property
    def storage(self) -> StorageClient:
        host = self.settings.storage_emulator_host
        client = StorageClient(
            project=self.settings.project or None,
            credentials=_credentials(host),
            client_options={"api_endpoint": host} if host else None,  # settings need not be the environment's
        )
        # Some versions look the bucket up in a thread of their own, for traces: a right that our accounts do not have,
        # and a request that nobody asked for. Without this cache they do not; others do not know the name.
        client._bucket_metadata_cache = None
        return client

    @cached_property
    def firestore(self) -> firestore.Client:
        host = self.settings.firestore_emulator_host
        client = firestore.Client(
            project=self.settings.project or None,
            database=self.settings.firestore_database,
            credentials=_credentials(host),
        )
        client._emulator_host = host  # it looks at the environment alone, and settings need not be the environment's
        return client

    @cached_property
    def publisher(self) -> PublisherClient:
        options = PublisherOptions(flow_control=FLOW)
        host = self.settings.pubsub_emulator_host
        if host is None:
            return PublisherClient(BATCHES, options)
        return PublisherClient(BATCHES, options, transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))

    @cached_property
    def subscriber(self) -> SubscriberClient:
        host = self.settings.pubsub_emulator_host
        if host is None:
            return SubscriberClient()
        return SubscriberClient(transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(host)))

    @cached_property
    def run_jobs(self) -> run_v2.JobsClient:
        channel = self._run_channel
        return run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel)) if channel else run_v2.JobsClient()

    @cached_property
    def run_executions(self) -> run_v2.ExecutionsClient:
        channel = self._run_channel
        if channel is None:
            return run_v2.ExecutionsClient()
        return run_v2.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))

    def close(self) -> None:
        """Close the connections of the clients that were made; only tests end before their process does."""
        made = vars(self)
        for name in made.keys() & {"storage", "firestore"}:
            made[name].close()
        for name in made.keys() & {"publisher", "subscriber", "run_jobs", "run_executions"}:
            made[name].transport.close()

    @cached_property
    def _run_channel(self) -> grpc.Channel | None:
        host = self.settings.run_emulator_host
        return grpc.insecure_channel(host) if host else None


def _credentials(emulator_host: str | None) -> Credentials | None:
    """Return what an emulator is content with; None lets the client find the real ones."""
    return AnonymousCredentials() if emulator_host else None  # type: ignore[no-untyped-call]
