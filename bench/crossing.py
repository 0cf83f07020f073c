"""What crossed a middle mile, text and images apart, by the server's own counts beside the origin.

They are read from the access log of midmile's parent, or of whichever nginx stands there. It counts
before TLS, so TLS, TCP and IP come on top. A line comes a moment after its answer has ended, and
where nginx buffers its log, with the next flush: whoever cannot wait that long must not let it.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.errors import SpoiltError
from edge.fields import media_type

_SETTLED_S = 0.05
"""A line comes within some milliseconds of its answer's end, on a busy machine too."""
_PATIENCE_S = 10.0
_DRAWN_AS_TEXT = "image/svg+xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """Bytes in both directions."""

    text_bytes: int
    """All heads, all request bodies, and every other response body."""
    image_bytes: int
    """Response bodies of images and films; SVG is text."""


def read(lines: Iterable[str]) -> Crossed:
    """What the requests of an access log moved; lines that are no access records do not count."""
    text_bytes = image_bytes = 0
    for request, response, body, kind in _records(lines):
        drawn = body if _is_image(kind) else 0
        text_bytes += request + response - drawn
        image_bytes += drawn
    return Crossed(text_bytes=text_bytes, image_bytes=image_bytes)


def _records(lines: Iterable[str]) -> Iterator[tuple[int, int, int, str]]:
    """Bytes of a request, of its response, and of the response's body; the body's media type."""
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:  # a node's log has its standard error too
            continue
        if isinstance(record, dict) and "request_bytes" in record:
            yield (
                int(record["request_bytes"]),
                int(record["response_bytes"]),
                int(record["body_bytes"]),
                str(record.get("type", "")),
            )


def _is_image(kind: str) -> bool:
    media = media_type(kind)
    return media.startswith(("image/", "video/")) and media != _DRAWN_AS_TEXT


class Tally:
    """What crossed since a moment, by a log that is being written.

    A log that does not exist is an error (FileNotFoundError), not an empty one.
    """

    def __init__(self, log: Path) -> None:
        """From the log's beginning on."""
        self._log = log
        self._start = 0

    def reset(self) -> None:
        """From now on; a line that is half written belongs to what was before."""
        self._start = self._log.stat().st_size

    def settle(self) -> None:
        """Wait until nothing was logged for a moment: lines come just after their answers.

        Raises:
            SpoiltError: somebody asks all the time.
        """
        deadline, before = time.monotonic() + _PATIENCE_S, -1
        while (now := self._log.stat().st_size) != before:
            if time.monotonic() > deadline:
                raise SpoiltError(f"{self._log.name} does not come to rest")
            before = now
            time.sleep(_SETTLED_S)

    def so_far(self) -> Crossed:
        """What was logged since; a line that is half written counts once it is whole."""
        return read(self._lines())

    def requests(self) -> int:
        """How many requests that were."""
        return sum(1 for _ in _records(self._lines()))

    def _lines(self) -> list[str]:
        with self._log.open("rb") as log:
            log.seek(self._start)
            whole, _, _ = log.read().rpartition(b"\n")
        return whole.decode("utf-8", "replace").splitlines()
