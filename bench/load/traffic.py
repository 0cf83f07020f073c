"""What a page asked for and what it got, from the events of Chromium's `Network` domain.

Pure. https://chromedevtools.github.io/devtools-protocol/tot/Network says what the events hold.
Only requests whose beginning was seen count; what an earlier page left behind is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]

_ENDLESS = frozenset({"EventSource", "Media"})
"""Of DevTools' resource types: streams end when the page does, and a film is fetched as it is seen.
Once they have begun there is nothing to wait for."""
EVENTS = (
    "Network.requestWillBeSent",
    "Network.requestServedFromCache",
    "Network.responseReceived",
    "Network.dataReceived",
    "Network.loadingFinished",
    "Network.loadingFailed",
)
"""Those that tell it."""
_ABORTED = "net::ERR_ABORTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One object of a page; each redirect on the way to it is one of its own."""

    url: str
    kind: str
    """DevTools' resource type: Document, Stylesheet, Image, Script, Font, Fetch, ..."""
    status: int
    protocol: str
    """As ALPN names it: `http/1.1`, `h2`. Of a cached object: how it once came."""
    from_cache: bool
    """Chromium had it, in memory or on disk: the server was not asked."""
    transferred_bytes: int
    """Head and body as they came, compressed, without TLS; 0 if it came from the cache."""


@dataclass(slots=True)
class _Exchange:
    url: str
    kind: str
    status: int = 0
    protocol: str = ""
    from_cache: bool = False
    transferred_bytes: int = 0
    ended: bool = False
    failure: str = ""

    def take(self, name: str, event: Event) -> None:
        """What is told of a request after it was sent."""
        match name:
            case "Network.requestServedFromCache":
                self.from_cache = True
            case "Network.responseReceived":
                self.answered(event["response"])
            case "Network.dataReceived":
                self.transferred_bytes += round(event["encodedDataLength"])
            case "Network.loadingFinished":
                self.ended = True
                self.transferred_bytes = round(event["encodedDataLength"])
            case "Network.loadingFailed":
                self.ended = True
                # A player that has seen enough of a film for now hangs up.
                if self.kind != "Media" or event["errorText"] != _ABORTED:
                    self.failure = self.failure or event["errorText"]

    def answered(self, response: Event) -> None:
        """A head came, from wherever."""
        self.status = response["status"]
        self.protocol = response.get("protocol", "")
        self.from_cache |= response.get("fromDiskCache", False)
        self.transferred_bytes = round(response["encodedDataLength"])
        if self.status >= 400:
            self.failure = f"answered {self.status}"


@dataclass(slots=True)
class Traffic:
    """That of one page. `feed` takes the events of `EVENTS` in their order."""

    _exchanges: list[_Exchange] = field(default_factory=list)
    _latest: dict[str, _Exchange] = field(default_factory=dict)
    """By DevTools' request id, which a redirect keeps."""

    def feed(self, name: str, event: Event) -> None:
        """Take one event in."""
        exchange = self._latest.get(event["requestId"])
        if name == "Network.requestWillBeSent":
            self._sent(exchange, event)
        elif exchange is not None:
            exchange.take(name, event)

    def _sent(self, before: _Exchange | None, event: Event) -> None:
        if before is not None and "redirectResponse" in event:
            before.answered(event["redirectResponse"])
        url = event["request"]["url"]
        if url.startswith(("http://", "https://")):  # data: and blob: are no traffic
            exchange = _Exchange(url=url, kind=event.get("type", "Other"))
            self._exchanges.append(exchange)
            self._latest[event["requestId"]] = exchange

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way that will end, and everything was answered."""
        return not self.pending

    @property
    def pending(self) -> tuple[str, ...]:
        """What has not ended, with its status so far; 0 where nothing came yet."""
        return tuple(
            f"{each.url} ({each.kind}, {each.status})"
            for each in self._latest.values()
            if not each.ended and not (each.status and each.kind in _ENDLESS)
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not come, and why; a page that has some is broken."""
        return tuple(f"{each.url}: {each.failure}" for each in self._exchanges if each.failure)

    @property
    def fetched(self) -> tuple[Fetched, ...]:
        """Everything that was answered, in the order in which it was asked for."""
        return tuple(
            Fetched(
                url=each.url,
                kind=each.kind,
                status=each.status,
                protocol=each.protocol,
                from_cache=each.from_cache,
                transferred_bytes=0 if each.from_cache else each.transferred_bytes,
            )
            for each in self._exchanges
            if each.status
        )
