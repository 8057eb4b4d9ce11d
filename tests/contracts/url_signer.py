"""What signed addresses do and refuse, by plain HTTP, on every cloud: one client must do for all of them.

An adapter joins with a subclass that has a fixture `shop`: a signer, the store behind it, a clock that can be moved on
and a fresh name.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from shared.errors import NotFound
from shared.ports import ObjectStore, SignedUpload, UrlSigner

QUANTUM = 256 * 1024
BODY = bytes(range(256)) * 4096  # 1 MiB
MOST = 2 * len(BODY)
DONE = (200, 201)
TOO_LARGE = (400, 413)  # Cloud Storage says the first, we the second
WEEK_S = 7 * 24 * 3600


@dataclass(kw_only=True)
class Shop:
    """A bucket, who signs for it, and a browser."""

    signer: UrlSigner
    store: ObjectStore
    http: httpx.Client
    later: list[float]
    """Seconds by which the server's clock is ahead."""
    name: str
    """Of an object that is not there."""

    def ask(self, *, resumable: bool, expires_s: int = 600) -> SignedUpload:
        make = self.signer.resumable_upload if resumable else self.signer.single_upload
        return make(self.name, content_type="video/mp4", max_bytes=MOST, expires_s=expires_s)

    def send(self, upload: SignedUpload, body: bytes = b"", **changed: str) -> httpx.Response:
        """Do what an upload asks for."""
        headers = {**upload.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return self.http.request(upload.method, upload.url, headers=headers, content=body)

    def begun(self) -> str:
        answer = self.send(self.ask(resumable=True))
        assert answer.status_code == 201
        return str(answer.headers["Location"])

    def part(self, session: str, first: int, beyond: int, body: bytes = BODY, total: str = "") -> httpx.Response:
        said = f"bytes {first}-{beyond - 1}/{total or len(body)}"
        return self.http.put(session, content=body[first:beyond], headers={"Content-Range": said})

    def question(self, session: str, total: str = "*") -> httpx.Response:
        return self.http.put(session, headers={"Content-Range": f"bytes */{total}"})

    def received(self, session: str) -> str | None:
        answer = self.question(session)
        assert answer.status_code == 308
        found: str | None = answer.headers.get("Range")
        return found

    def is_there(self) -> bool:
        try:
            self.store.stat(self.name)
        except NotFound:
            return False
        return True


def with_url(upload: SignedUpload, url: str) -> SignedUpload:
    assert url != upload.url
    return replace(upload, url=url)


def longer_lived(upload: SignedUpload) -> SignedUpload:
    """Give the address more time than it was signed for, whatever its signer calls that."""
    parts = urlsplit(upload.url)
    query = [(key, str(int(value) + 999) if "xpires" in key else value) for key, value in parse_qsl(parts.query)]
    return with_url(upload, parts._replace(query=urlencode(query)).geturl())


def misspelled(upload: SignedUpload) -> SignedUpload:
    flipped = {"0": "1"}
    parts = urlsplit(upload.url)
    query = [
        (key, value[:-1] + flipped.get(value[-1], "0") if key.lower().endswith("signature") else value)
        for key, value in parse_qsl(parts.query)
    ]
    return with_url(upload, parts._replace(query=urlencode(query)).geturl())


TAMPERED: dict[str, Callable[[SignedUpload], SignedUpload]] = {
    "another object": lambda it: with_url(it, it.url.replace("/source?", "/sourcf?")),
    "a longer life": longer_lived,
    "a byte of the signature": misspelled,
    "no signature": lambda it: with_url(it, it.url.split("?")[0]),
    "another parameter": lambda it: with_url(it, it.url + "&more=1"),
    "another method": lambda it: replace(it, method="DELETE"),
    "a larger bound": lambda it: replace(it, headers={**it.headers, "x-goog-content-length-range": f"0,{9 * MOST}"}),
    "over what is there": lambda it: replace(it, headers={**it.headers, "x-goog-if-generation-match": "1"}),
    "metadata of its own": lambda it: replace(it, headers={**it.headers, "x-goog-meta-owner": "me"}),
    "a header less": lambda it: replace(it, headers=dict(list(it.headers.items())[:-1])),
}
BOTH = pytest.mark.parametrize("resumable", [False, True])


class UrlSignerContract:
    """Claims about one bucket's addresses."""

    def test_a_whole_upload_arrives_with_its_type(self, shop: Shop) -> None:
        assert shop.send(shop.ask(resumable=False), BODY).status_code == 200
        assert shop.store.read(shop.name) == BODY
        assert shop.store.stat(shop.name).content_type == "video/mp4"
        found = shop.http.get(shop.signer.download(shop.name, file_name="ride.mp4", expires_s=60))
        assert (found.content, found.headers["content-type"]) == (BODY, "video/mp4")

    def test_an_upload_in_parts_arrives_with_its_type(self, shop: Shop) -> None:
        session = shop.begun()
        assert shop.part(session, 0, len(BODY)).status_code in DONE
        assert shop.store.read(shop.name) == BODY
        assert shop.store.stat(shop.name).content_type == "video/mp4"

    def test_an_upload_that_breaks_off_goes_on_where_the_store_says(self, shop: Shop) -> None:
        session = shop.begun()
        assert shop.received(session) is None
        assert shop.part(session, 0, QUANTUM).status_code == 308
        assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"
        assert not shop.is_there()  # nothing is there before all of it is
        shop.later[0] = 24 * 3600  # the session outlives the address
        assert shop.part(session, QUANTUM, len(BODY)).status_code in DONE
        assert shop.store.read(shop.name) == BODY

    def test_an_object_s_size_may_be_said_with_its_last_part(self, shop: Shop) -> None:
        session = shop.begun()
        assert shop.part(session, 0, 2 * QUANTUM, total="*").status_code == 308
        assert shop.part(session, 2 * QUANTUM, len(BODY)).status_code in DONE
        assert shop.store.read(shop.name) == BODY

    def test_a_session_takes_the_whole_object_at_once(self, shop: Shop) -> None:
        assert shop.http.put(shop.begun(), content=BODY).status_code in DONE
        assert shop.store.read(shop.name) == BODY

    def test_bytes_sent_again_count_once(self, shop: Shop) -> None:
        session = shop.begun()
        shop.part(session, 0, 2 * QUANTUM)
        assert shop.part(session, QUANTUM, len(BODY)).status_code in DONE
        assert shop.store.read(shop.name) == BODY

    def test_bytes_beyond_a_gap_are_refused(self, shop: Shop) -> None:
        session = shop.begun()
        shop.part(session, 0, QUANTUM)
        assert shop.part(session, 2 * QUANTUM, len(BODY)).status_code == 503
        assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"

    def test_only_whole_quanta_are_kept_before_the_end(self, shop: Shop) -> None:
        session = shop.begun()
        assert shop.part(session, 0, 1000).status_code == 400
        assert shop.part(session, 0, QUANTUM + 1000).headers["Range"] == f"bytes=0-{QUANTUM - 1}"

    @pytest.mark.parametrize("said", ["bytes 0-9/5", "bytes 5-1/10", "items 0-1/2", "bytes 0-99/*", "bytes -5/10"])
    def test_a_range_that_makes_no_sense_is_refused(self, shop: Shop, said: str) -> None:
        answer = shop.http.put(shop.begun(), content=b"0123456789", headers={"Content-Range": said})
        assert answer.status_code == 400
        assert not shop.is_there()

    def test_an_object_s_size_is_said_once(self, shop: Shop) -> None:
        session = shop.begun()
        shop.part(session, 0, QUANTUM)
        assert shop.part(session, QUANTUM, len(BODY), BODY + b"more").status_code == 400
        assert shop.part(session, QUANTUM, len(BODY)).status_code in DONE

    def test_asking_after_the_end_or_sending_again_is_answered_as_the_end_was(self, shop: Shop) -> None:
        session = shop.begun()
        for _ in range(2):
            assert shop.part(session, 0, len(BODY)).status_code in DONE
        assert shop.question(session, str(len(BODY))).status_code in DONE
        assert shop.store.read(shop.name) == BODY

    def test_a_cancelled_upload_is_gone(self, shop: Shop) -> None:
        session = shop.begun()
        shop.part(session, 0, QUANTUM)
        assert shop.http.delete(session).status_code == 499
        assert shop.question(session).status_code in (404, 410)
        assert shop.part(session, 0, len(BODY)).status_code in (404, 410)
        assert not shop.is_there()

    def test_an_upload_nobody_began_is_unknown(self, shop: Shop) -> None:
        session = shop.begun()
        for url in (session[:-1] + ("a" if session[-1] != "a" else "b"), session.split("=")[0] + "=", session + "/.."):
            assert shop.part(url, 0, len(BODY)).status_code in (400, 403, 404)

    @BOTH
    def test_an_address_that_has_expired_starts_nothing(self, shop: Shop, resumable: bool) -> None:
        upload = shop.ask(resumable=resumable, expires_s=60)
        assert upload.expires_at == pytest.approx(time.time() + 60, abs=5)
        shop.later[0] = 61.0
        assert shop.send(upload, b"" if resumable else BODY).status_code == 400
        assert not shop.is_there()

    @BOTH
    @pytest.mark.parametrize("what", TAMPERED)
    def test_an_address_that_was_tampered_with_is_refused(self, shop: Shop, what: str, resumable: bool) -> None:
        answer = shop.send(TAMPERED[what](shop.ask(resumable=resumable)), b"" if resumable else BODY)
        assert answer.status_code in (400, 403)
        assert not shop.is_there()

    @BOTH
    def test_another_type_is_refused(self, shop: Shop, resumable: bool) -> None:
        answer = shop.send(shop.ask(resumable=resumable), b"" if resumable else BODY, content_type="text/html")
        assert answer.status_code in (400, 403)

    @BOTH
    def test_more_than_was_allowed_is_refused(self, shop: Shop, resumable: bool) -> None:
        large = BODY * 3
        if resumable:
            session = shop.begun()
            shop.part(session, 0, QUANTUM, large, total="*")
            answer = shop.part(session, QUANTUM, len(large), large)
        else:
            answer = shop.send(shop.ask(resumable=False), large)
        assert answer.status_code in TOO_LARGE
        assert not shop.is_there()

    @BOTH
    def test_a_second_upload_of_one_object_is_refused(self, shop: Shop, resumable: bool) -> None:
        again = shop.ask(resumable=resumable)
        session = shop.begun() if resumable else ""
        assert shop.send(shop.ask(resumable=False), BODY).status_code == 200
        if resumable:
            assert shop.part(session, 0, len(BODY), BODY[::-1]).status_code == 412, "begun before, ended after"
            assert shop.part(session, 0, len(BODY), BODY[::-1]).status_code == 412, "and so it stays"
        assert shop.send(again, b"" if resumable else BODY[::-1]).status_code == 412
        assert shop.store.read(shop.name) == BODY

    def test_of_two_sessions_of_one_address_one_makes_the_object(self, shop: Shop) -> None:
        upload = shop.ask(resumable=True)
        first, second = (str(shop.send(upload).headers["Location"]) for _ in range(2))
        assert shop.part(second, 0, len(BODY)).status_code in DONE
        assert shop.part(first, 0, len(BODY), BODY[::-1]).status_code == 412
        assert shop.store.read(shop.name) == BODY

    def test_a_download_is_saved_under_the_users_name(self, shop: Shop) -> None:
        shop.store.write(shop.name, b"reel")
        answer = shop.http.get(shop.signer.download(shop.name, file_name='été "1"\n.mp4', expires_s=60))
        assert answer.content == b"reel"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert "%C3%A9t%C3%A9" in answer.headers["content-disposition"]

    def test_a_part_of_a_download_can_be_asked_for(self, shop: Shop) -> None:
        shop.store.write(shop.name, b"0123456789")
        url = shop.signer.download(shop.name, file_name="a.mp4", expires_s=60)
        answer = shop.http.get(url, headers={"Range": "bytes=2-4"})
        assert (answer.status_code, answer.content) == (206, b"234")
        assert answer.headers["content-range"] == "bytes 2-4/10"
        assert shop.http.get(url, headers={"Range": "bytes=-3"}).content == b"789"
        beyond = shop.http.get(url, headers={"Range": "bytes=10-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")

    @pytest.mark.parametrize("expires_s", [0, WEEK_S + 1])
    def test_no_address_lives_longer_than_a_week(self, shop: Shop, expires_s: int) -> None:
        with pytest.raises(ValueError, match="expires"):
            shop.ask(resumable=True, expires_s=expires_s)
        with pytest.raises(ValueError, match="expires"):
            shop.signer.download(shop.name, file_name="a", expires_s=expires_s)
