"""Copies of large bodies in files: bounded, shared, and gone with what they are of."""

import os

from edge.aio.copies import LEAST_BYTES, Copies, Copy


def body(letter: bytes, size: int = LEAST_BYTES) -> bytes:
    """A body like no other."""
    return letter * size


def is_open(copy: Copy) -> bool:
    """Whether it can be read."""
    return copy.file >= 0 and os.pread(copy.file, 1, 0) == bytes(copy.body[:1])


def test_a_copy_has_the_same_bytes() -> None:
    """Of bytes, and of a part of some."""
    copies = Copies(10**6, 9)
    for text in (os.urandom(LEAST_BYTES + 1), memoryview(os.urandom(LEAST_BYTES * 2))[9:-9]):
        copy = copies.of(text)
        assert copy is not None
        assert os.pread(copy.file, 10**6, 0) == bytes(text)


def test_one_for_all_who_send_the_body() -> None:
    """Several responses may have the same body."""
    copies, text = Copies(10**6, 9), body(b"a")
    copy = copies.of(text)
    assert copies.of(text) is copy
    assert copies.size_bytes == LEAST_BYTES


def test_it_is_gone_with_the_last_who_has_it() -> None:
    """Its memory is free at once."""
    copies = Copies(10**6, 9)
    copy = copies.of(body(b"a"))
    assert copy is not None
    file = copy.file
    assert is_open(copy)
    del copy
    assert copies.size_bytes == 0
    again = copies.of(body(b"b"))
    assert again is not None
    assert again.file == file, "the descriptor was not free"


def test_the_oldest_makes_room() -> None:
    """Whoever still holds it sees that it is given up."""
    texts = [body(letter) for letter in (b"a", b"b", b"c")]
    by_bytes, by_number = Copies(2 * LEAST_BYTES, 9), Copies(10**6, 2)
    for copies in (by_bytes, by_number):
        held = [copies.of(text) for text in texts]
        assert [copy is not None and is_open(copy) for copy in held] == [False, True, True]
        assert copies.size_bytes == 2 * LEAST_BYTES


def test_what_is_not_worth_it() -> None:
    """Small bodies, those larger than all room, and none where there is no room at all."""
    copies = Copies(2 * LEAST_BYTES, 9)
    assert copies.of(body(b"a", LEAST_BYTES - 1)) is None
    assert copies.of(body(b"a", 2 * LEAST_BYTES + 1)) is None
    assert Copies(0, 9).of(body(b"a")) is None
