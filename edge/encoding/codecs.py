"""The tunnel's zstd as streaming filters: `feed` chunk by chunk, then `finish`.

Each chunk that goes in can be read at the other end as soon as it arrives (server-sent events, a
page flushed early). The decoder gives out pieces of bounded size, so that four bytes that stand
for 128 KB (RFC 8878 3.1.1.2.2) cost no memory, however many follow: honest text of one repeated
byte looks just like a bomb, and is told from it by nothing but the length announced for it.
`zstandard` encodes; it decodes all that a call brings at once, so decoding is the standard
library's module, which knows a limit.
"""

import sys
from collections.abc import Iterator

import zstandard

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from edge.errors import UpstreamError, UpstreamReason

LEVEL = 3
"""zstd's default: about 300 MB/s of text a core, a third of gzip's CPU for fewer bytes."""

WINDOW_LOG = 23
"""Decoder memory per stream: 8 MB (RFC 8878 3.1.1.1.2 recommends to support that much)."""

PIECE_BYTES = 64 * 1024
"""Most that a decoder gives out at a time."""

EARLY_BYTES = 64 * 1024
"""So much of a body is coded in small blocks: a block can be read only when it is all there, and
a connection's first flight carries about 14 KB (RFC 6928)."""

BLOCK_BYTES = 16 * 1024
"""A small block's content; pages shrink to a quarter of it."""


class Encoder:
    """Puts the coding on."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        self._early = EARLY_BYTES

    def feed(self, chunk: bytes) -> bytes:
        """The coded form of `chunk`, complete enough to be decoded by itself."""
        coded = []
        while self._early and len(chunk) > BLOCK_BYTES:
            coded.append(self._block(chunk[:BLOCK_BYTES]))
            chunk = chunk[BLOCK_BYTES:]
        coded.append(self._block(chunk))
        return b"".join(coded)

    def _block(self, plain: bytes) -> bytes:
        self._early = max(0, self._early - len(plain))
        coded: bytes = self._frame.compress(plain)
        flushed: bytes = self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return coded + flushed

    def finish(self) -> bytes:
        """The end of the frame."""
        last: bytes = self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)
        return last


class Decoder:
    """Takes the coding off. Raises UpstreamError for what is not one whole frame."""

    def __init__(self) -> None:
        self._frame = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
        )

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The plain bytes of `chunk`, in pieces of at most `PIECE_BYTES`; take them all."""
        if self._frame.eof and chunk:
            raise _broken("data behind the frame")
        while not self._frame.eof:
            try:
                plain = self._frame.decompress(chunk, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise _broken(str(error)) from error
            chunk = b""
            if plain:
                yield plain
            if self._frame.needs_input:
                return
        if self._frame.unused_data:
            raise _broken("data behind the frame")

    def finish(self) -> None:
        """Check that the frame is complete."""
        if not self._frame.eof:
            raise _broken("the frame lacks its end")


def _broken(text: str) -> UpstreamError:
    return UpstreamError(UpstreamReason.BROKEN_BODY, f"zstd: {text}")
