"""How a response is cut into TLS records, so that its first byte can be read at once."""

from collections.abc import Iterator

EARLY_BYTES = 64 * 1024
"""So much of a response goes over TLS in small records, which the peer can read one by one. By
then a connection's window has grown to several large ones."""

RECORD_BYTES = 4 * 1024
"""A small record's content. TLS makes a record of what is written at once, up to 16 KB, more than
a new connection's first flight carries: its first byte could only be read a round trip later."""


def pieces(data: bytes | memoryview, sent: int) -> Iterator[bytes | memoryview]:
    """The pieces in which to write `data`, behind `sent` bytes of the same response."""
    early = min(len(data), EARLY_BYTES - sent)
    at = 0
    while at < early:
        yield data[at : min(at + RECORD_BYTES, early)]
        at += RECORD_BYTES
    if early < len(data):
        yield data[max(0, early) :]
