"""The Python on docs/integration.md, run as it stands there."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.pubsub import PubSubBus
from shared.domain.messages import JobEvent, Message
from shared.domain.options import Options
from shared.pipeline.request_job import receive_request
from shared.ports import EventBus
from shared.settings import GoogleSettings
from tests.clips import ClipSpec, make_clip
from tests.emulators.google import pubsub_emulator
from tests.one_machine import one_machine

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "integration.md"
PROJECT = "my-project"  # as on the page
BLOCK = re.compile(r"^```python (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoBuses:
    """Tells the world by one bus and the handlers of this machine by the other."""

    world: EventBus
    own: EventBus

    def publish(self, message: Message) -> None:
        (self.world if isinstance(message, JobEvent) else self.own).publish(message)


@pytest.fixture(scope="module")
def pubsub_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return host:port of a Pub/Sub emulator of the page's own: its project is named there."""
    with pubsub_emulator(tmp_path_factory.mktemp("pubsub")) as host:
        yield host


@pytest.fixture
def clients(pubsub_host: str) -> Iterator[GoogleClients]:
    with closing(GoogleClients(GoogleSettings(project=PROJECT, pubsub_emulator_host=pubsub_host))) as clients:
        for topic, subscription in (("job-requests", "job-requests"), ("job-events", "my-job-events")):
            name = f"projects/{PROJECT}/topics/{topic}"
            clients.publisher.create_topic(name=name)
            request = {"name": f"projects/{PROJECT}/subscriptions/{subscription}", "topic": name}
            clients.subscriber.create_subscription(request=request)
        yield clients
        clients.publisher.stop()


def test_the_page_has_a_requester_and_a_subscriber() -> None:
    assert set(BLOCKS) == {"requester", "subscriber"}
    assert all(len(block.splitlines()) <= 18 for block in BLOCKS.values())


def test_what_the_requester_asks_for_is_made_and_the_subscriber_hears_of_it(
    clients: GoogleClients, pubsub_host: str, tmp_path: Path
) -> None:
    (tmp_path / "footage").mkdir()
    clip = make_clip(tmp_path, ClipSpec(seconds=12.0, fps=ClipSpec().fps / 3, has_sound=False))
    clip.rename(tmp_path / "footage" / "match-17.mp4")
    machine = one_machine(tmp_path / "home", request_folders=f"my-footage={tmp_path / 'footage'}")
    world = PubSubBus(clients.publisher, project=PROJECT, topic_prefix="", timeout_s=20.0)
    machine.cloud = replace(machine.cloud, bus=TwoBuses(world=world, own=machine.cloud.bus))
    machine.launcher.cloud = machine.cloud
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": pubsub_host}

    words = [sys.executable, "-c", BLOCKS["requester"]]
    subprocess.run(words, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)
    body = pulled(clients)
    receive_request(machine.cloud, body)
    receive_request(machine.cloud, body)
    (job,) = machine.cloud.jobs.list()
    assert (job.source.origin, job.options) == (
        "gs://my-footage/match-17.mp4",
        Options(mode="motion", target_s=60),
    )
    assert machine.run_to_the_end(job.id).state == "done"

    heard = said_until("done", [sys.executable, "-c", BLOCKS["subscriber"]], environment)
    assert sorted(heard)[0] == "created {'match': '17'} None None None"
    assert "done {'match': '17'} None None None" in heard
    assert "progress {'match': '17'} pose 100 None" in heard


def pulled(clients: GoogleClients) -> bytes:
    name = f"projects/{PROJECT}/subscriptions/job-requests"
    answer = clients.subscriber.pull(subscription=name, max_messages=1, timeout=10.0)
    (received,) = answer.received_messages
    return bytes(received.message.data)


def said_until(first_word: str, words: list[str], environment: dict[str, str]) -> list[str]:
    """Return the lines a program says up to and with the one that begins so, in any order, and end it."""
    said = []
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        deadline = threading.Timer(30.0, program.kill)
        deadline.start()
        try:
            for line in program.stdout:
                said.append(line.strip())
                if len(said) >= 6 and any(each.startswith(first_word) for each in said):
                    break
        finally:
            deadline.cancel()
            program.kill()
    return said
