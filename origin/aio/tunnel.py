"""The parent's end of the tunnel: exchanges whose bodies cross under the tunnel's coding."""

from aiohttp.streams import StreamReader

from edge import tunnel
from edge.aio.connection import ClientConnection
from edge.aio.exchange import Client, Exchange
from edge.currency import Currency
from edge.encoding.codecs import Encoder
from edge.head import Head
from edge.message import Response


class TunnelExchange(Exchange):
    """An edge's request; what is text goes out as zstd if the edge can take that."""

    __slots__ = ("_encoder", "currency")

    def __init__(self, protocol: Client, content: StreamReader, head: Head) -> None:
        super().__init__(protocol, content, head)
        self._encoder: Encoder | None = None
        self.currency: Currency | None = None
        """What the edge is told of purges; None: nothing."""

    @property
    def caller(self) -> frozenset[str]:
        """The names of who asks, as its connection was let in under."""
        assert isinstance(self._protocol, ClientConnection)
        return self._protocol.names

    def start(self, response: Response) -> None:
        """Begin the response, saying what edges must know, and the coding if it is put on."""
        self._encoder = None
        if self.currency is not None and self.currency.released:
            known = response.headers.put(tunnel.PURGES, self.currency.released)
            response = response.with_headers(known)
        offered = self.request.headers.first(tunnel.ACCEPT) == tunnel.ZSTD
        if offered and tunnel.worth_coding(self.request.method, response):
            self._encoder = Encoder()
            response = tunnel.announce(response)
        super().start(response)

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body, readable at the other end at once."""
        if self._encoder is not None and chunk:
            chunk = self._encoder.feed(chunk)
        await super().write(chunk)

    async def end(self) -> None:
        """Complete the frame and the response."""
        if self._encoder is not None:
            await super().write(self._encoder.finish())
        await super().end()
