"""The parent's end of the tunnel: exchanges whose bodies cross under the tunnel's coding."""

from edge import tunnel
from edge.aio.exchange import Exchange
from edge.encoding.codecs import Encoder
from edge.message import Response


class TunnelExchange(Exchange):
    """An edge's request; what is text goes out as zstd if the edge can take that."""

    __slots__ = ("_encoder",)

    def start(self, response: Response) -> None:
        """Begin the response, announcing the coding if it is put on."""
        self._encoder: Encoder | None = None
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
