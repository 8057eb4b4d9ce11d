"""What lies in an emulated cloud: every record, object and topic, as rows for people."""

from collections.abc import Iterator
from contextlib import closing

import grpc
from google.cloud.firestore import Client as FirestoreClient
from google.cloud.firestore import CollectionReference
from google.cloud.pubsub_v1 import SubscriberClient
from google.cloud.storage import Client as StorageClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

Row = tuple[str, str]
"""Where something lies, and a word on it."""

TIMEOUT_S = 20.0  # for one page of a listing


def documents(client: FirestoreClient) -> Iterator[Row]:
    """Yield every document's path and state, those below it behind it."""
    for collection in client.collections(timeout=TIMEOUT_S):
        yield from _documents(collection)


def _documents(collection: CollectionReference) -> Iterator[Row]:
    for found in collection.stream(timeout=TIMEOUT_S):
        yield found.reference.path, str((found.to_dict() or {}).get("state", ""))
        for below in found.reference.collections(timeout=TIMEOUT_S):
            yield from _documents(below)


def objects(client: StorageClient, bucket: str) -> Iterator[Row]:
    """Yield every object's address and size."""
    for blob in client.list_blobs(bucket, timeout=TIMEOUT_S):
        yield f"gs://{bucket}/{blob.name}", f"{blob.size:,} bytes"


def subscriptions(host: str, project: str) -> Iterator[Row]:
    """Yield every topic that somebody subscribes to, and where it is pushed."""
    with closing(grpc.insecure_channel(host)) as channel:
        client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for found in client.list_subscriptions(project=f"projects/{project}", timeout=TIMEOUT_S):
            yield found.topic, f"to {found.push_config.push_endpoint.rpartition('/')[2]}"
