"""What is remembered of answers that nobody else may have."""

from dataclasses import replace

from edge.cache.storable import StoreReason
from edge.cache.unshared import ALONE_S, EVERYBODY, Unshared, UnsharedAnswers
from edge.message import Headers

ANNA, BERT, NOBODY = (
    Headers([("cookie", "id=1")]),
    Headers([("cookie", "id=2")]),
    Headers([("accept", "*/*")]),
)
PRIVATE = Unshared(reason=StoreReason.PRIVATE, at_s=0.0, vary=("cookie",))


def test_it_concerns_those_alike_in_the_fields_that_vary_named() -> None:
    """The same cookie, and no other; all, where there was no Vary."""
    answers = UnsharedAnswers()
    answers.note("k", ANNA, PRIVATE)
    assert [answers.find("k", who) for who in (ANNA, BERT, NOBODY)] == [PRIVATE, None, None]
    assert answers.find("other", ANNA) is None
    anyone = replace(PRIVATE, vary=())
    answers.note("k", ANNA, anyone)
    assert [answers.find("k", who) for who in (ANNA, BERT, NOBODY)] == [anyone] * 3


def test_who_may_wait_for_whom() -> None:
    """All, until it is known that they differ; then those alike, for a while."""
    answers = UnsharedAnswers()
    assert answers.variant("k", ANNA, 0.0) == EVERYBODY
    answers.note("k", ANNA, PRIVATE)
    variants = [answers.variant("k", who, ALONE_S - 1) for who in (ANNA, BERT, NOBODY)]
    assert len({*variants, EVERYBODY}) == 4
    assert answers.variant("k", ANNA, ALONE_S) == EVERYBODY
    assert answers.find("k", ANNA) == PRIVATE  # still known to who asks why
    assert not PRIVATE.is_recent(ALONE_S)


def test_an_answer_that_can_be_shared_ends_it() -> None:
    """For requests like the one that got it."""
    answers = UnsharedAnswers()
    for who in (ANNA, BERT):
        answers.note("k", who, PRIVATE)
    answers.forget("k", ANNA)
    answers.forget("never heard of", ANNA)
    assert [answers.find("k", who) for who in (ANNA, BERT)] == [None, PRIVATE]


def test_memory_is_bounded() -> None:
    """The oldest request goes first, and so does the oldest key."""
    answers = UnsharedAnswers(most=2)
    for number in range(3):
        answers.note("k", Headers([("cookie", str(number))]), PRIVATE)
    found = [answers.find("k", Headers([("cookie", str(number))])) for number in range(3)]
    assert found == [None, PRIVATE, PRIVATE]
    for key in ("l", "m"):
        answers.note(key, ANNA, PRIVATE)
    assert [answers.find(key, ANNA) for key in ("k", "l", "m")] == [None, PRIVATE, PRIVATE]
