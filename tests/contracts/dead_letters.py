"""What every DeadLetters does.

An adapter joins with a subclass and three fixtures: `letters`, `bus`, which publishes what they show, and `came_back`,
which takes the next body off a topic.
"""

from collections.abc import Callable

import pytest

from shared.domain.messages import DeadLetter
from shared.ports import DeadLetters, EventBus, KeptLetter

CameBack = Callable[[str], str | None]
"""Takes the next body off the topic "job-requests" or "stage-done", and acknowledges it; None when there is none."""

WHOLE = '{"topic":"stage-done","job_id":"a","epoch":1,"stage":"pose"}'


def letter(body: str = "{", *, code: str = "bad_message", topic: str = "job-requests") -> DeadLetter:
    return DeadLetter(code=code, reason="No.", original_topic=topic, body=body)


def by_body(found: DeadLetters) -> dict[str, KeptLetter]:
    return {kept.letter.body: kept for kept in found.list()}


class DeadLettersContract:
    """Claims about the letters of one bus, empty at first."""

    def test_a_letter_is_shown_as_it_was_again_and_again(self, letters: DeadLetters, bus: EventBus) -> None:
        assert letters.list() == []
        bus.publish(letter("ä{"))
        (kept,) = letters.list()
        assert kept.letter == letter("ä{")
        assert kept.at > 0
        assert letters.list() == [kept]

    def test_letters_come_oldest_first_under_ids_of_their_own(self, letters: DeadLetters, bus: EventBus) -> None:
        for number in range(5):
            bus.publish(letter(str(number)))
        found = letters.list()
        assert [kept.letter.body for kept in found] == list("01234")
        assert len({kept.id for kept in found}) == 5

    def test_what_is_replayed_comes_back_to_its_topic_and_is_no_letter_any_more(
        self, letters: DeadLetters, bus: EventBus, came_back: CameBack
    ) -> None:
        bus.publish(letter("{"))
        bus.publish(letter(WHOLE, topic="stage-done"))
        kept = by_body(letters)[WHOLE]
        assert letters.replay([kept.id]) == [kept.id]
        assert came_back("stage-done") == WHOLE
        assert came_back("job-requests") is None
        assert list(by_body(letters)) == ["{"]

    def test_without_ids_all_are_replayed(self, letters: DeadLetters, bus: EventBus, came_back: CameBack) -> None:
        for number in range(3):
            bus.publish(letter(str(number)))
        assert len(letters.replay()) == 3
        assert {came_back("job-requests") for _ in range(3)} == set("012")
        assert (letters.list(), letters.replay()) == ([], [])

    def test_replaying_twice_is_harmless(self, letters: DeadLetters, bus: EventBus, came_back: CameBack) -> None:
        bus.publish(letter("{"))
        (kept,) = letters.list()
        assert letters.replay([kept.id, "nonsense"]) == [kept.id]
        assert letters.replay([kept.id]) == []
        assert came_back("job-requests") == "{"
        assert came_back("job-requests") is None

    @pytest.mark.parametrize("topic", ["job-events", "dead-letters", "", "somebody/elses"])
    def test_what_no_handler_of_ours_would_take_stays(self, letters: DeadLetters, bus: EventBus, topic: str) -> None:
        bus.publish(letter(topic=topic))
        assert letters.replay() == []
        assert len(letters.list()) == 1
