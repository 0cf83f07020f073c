"""DNS messages in a TCP stream: two bytes of length before each (RFC 1035 4.2.2, RFC 7766 8)."""

from mapping.errors import FramingError

LENGTH_BYTES = 2


class MessageCutter:
    """A filter: bytes of one connection in, whole messages out."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` bounds one message; what is longer is no query that we would answer."""
        self._max_bytes = max_bytes
        self._held = bytearray()

    @property
    def holding(self) -> int:
        """Bytes that have come and gone out in no message yet."""
        return len(self._held)

    def feed(self, chunk: bytes, limit: int) -> list[bytes]:
        """Take a chunk, give back at most `limit` messages; feed `b""` for more of them.

        A length of zero or above the bound is a `FramingError`: there is no way to find the next
        message's begin after it that would be worth its bytes.
        """
        self._held += chunk
        messages: list[bytes] = []
        start = 0
        while len(messages) < limit and len(self._held) - start >= LENGTH_BYTES:
            length = int.from_bytes(self._held[start : start + LENGTH_BYTES], "big")
            if not 0 < length <= self._max_bytes:
                raise FramingError(f"message of {length} bytes, expected 1 to {self._max_bytes}")
            end = start + LENGTH_BYTES + length
            if end > len(self._held):
                break
            messages.append(bytes(self._held[start + LENGTH_BYTES : end]))
            start = end
        del self._held[:start]
        return messages


def framed(message: bytes) -> bytes:
    """A message as it goes onto a TCP connection."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message
