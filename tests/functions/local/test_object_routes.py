"""One machine's objects over HTTP: what every cloud does, and what only a server of ours can get wrong."""

import secrets
from collections.abc import Iterator

import pytest

from tests.contracts.url_signer import Shop, UrlSignerContract
from tests.object_server import ObjectServer, object_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with object_server(tmp_path_factory.mktemp("objects")) as running:
        yield running


def shop_of(server: ObjectServer) -> Shop:
    server.later[0] = 0.0
    return Shop(
        signer=server.signers.uploads,
        store=server.cloud.uploads,
        http=server.http,
        later=server.later,
        name=f"uploads/{secrets.token_hex(13)}/source",
    )


@pytest.fixture
def shop(server: ObjectServer) -> Shop:
    return shop_of(server)


class TestFolderUrls(UrlSignerContract):
    """On one machine."""
