"""What is remembered of answers that nobody else may have."""

from dataclasses import replace

from edge.cache.storable import StoreReason
from edge.cache.unshared import ALONE_S, EVERYBODY, Unshared, UnsharedAnswers, Variant
from edge.message import Headers

ANNA, BERT, NOBODY = (
    Headers([("cookie", "id=1")]),
    Headers([("cookie", "id=2")]),
    Headers([("accept", "*/*")]),
)
PRIVATE = Unshared(reason=StoreReason.PRIVATE, at_s=0.0, vary=("cookie",))


def last(answers: UnsharedAnswers, key: str, who: Headers) -> Unshared | None:
    """The last answer for one reader alone to such a request."""
    return answers.find(key, who, 0.0).unshared


def variant(answers: UnsharedAnswers, key: str, who: Headers, mono_s: float) -> Variant:
    """With whom such a request may be answered."""
    return answers.find(key, who, mono_s).variant


def test_it_concerns_those_alike_in_the_fields_that_vary_named() -> None:
    """The same cookie, and no other; all, where there was no Vary."""
    answers = UnsharedAnswers()
    answers.note("k", ANNA, PRIVATE)
    assert [last(answers, "k", who) for who in (ANNA, BERT, NOBODY)] == [PRIVATE, None, None]
    assert last(answers, "other", ANNA) is None
    anyone = replace(PRIVATE, vary=())
    answers.note("k", ANNA, anyone)
    assert [last(answers, "k", who) for who in (ANNA, BERT, NOBODY)] == [anyone] * 3


def test_who_may_wait_for_whom() -> None:
    """All, until it is known that they differ; then those alike, for a while."""
    answers = UnsharedAnswers()
    assert variant(answers, "k", ANNA, 0.0) == EVERYBODY
    answers.note("k", ANNA, PRIVATE)
    variants = [variant(answers, "k", who, ALONE_S - 1) for who in (ANNA, BERT, NOBODY)]
    assert len({*variants, EVERYBODY}) == 4
    assert variant(answers, "k", ANNA, ALONE_S) == EVERYBODY
    assert last(answers, "k", ANNA) == PRIVATE  # still known to who asks why
    recent = [answers.find("k", ANNA, at_s).in_vain for at_s in (ALONE_S - 1, ALONE_S)]
    assert recent == [True, False]
    assert not answers.find("k", BERT, ALONE_S - 1).in_vain


def test_an_answer_that_can_be_shared_ends_it() -> None:
    """For requests like the one that got it."""
    answers = UnsharedAnswers()
    for who in (ANNA, BERT):
        answers.note("k", who, PRIVATE)
    answers.forget("k", ANNA)
    answers.forget("never heard of", ANNA)
    assert [last(answers, "k", who) for who in (ANNA, BERT)] == [None, PRIVATE]


def test_memory_is_bounded() -> None:
    """The oldest request goes first, and so does the oldest key."""
    answers = UnsharedAnswers(most=2)
    for number in range(3):
        answers.note("k", Headers([("cookie", str(number))]), PRIVATE)
    found = [last(answers, "k", Headers([("cookie", str(number))])) for number in range(3)]
    assert found == [None, PRIVATE, PRIVATE]
    for key in ("l", "m"):
        answers.note(key, ANNA, PRIVATE)
    assert [last(answers, key, ANNA) for key in ("k", "l", "m")] == [None, PRIVATE, PRIVATE]
