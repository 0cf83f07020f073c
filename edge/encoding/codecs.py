"""The tunnel's zstd as streaming filters: `feed` chunk by chunk, then `finish`.

Each chunk that goes in can be read at the other end as soon as it arrives (server-sent events, a
page flushed early). What a frame may expand to is bounded.
"""

from collections.abc import Iterator

import zstandard

from edge.errors import UpstreamError, UpstreamReason

LEVEL = 3
"""zstd's default: about 300 MB/s of text a core, a third of gzip's CPU for fewer bytes."""

WINDOW_BYTES = 8 * 1024 * 1024
"""Decoder memory per stream (RFC 8878 3.1.1.1.2 recommends to support 8 MB)."""

SLICE_BYTES = 4096
"""Input decoded at a time, so that a bomb is noticed soon."""

RATIO = 2_000
"""Text shrinks at most about this much; more is an attack or a fault."""

FREE_BYTES = 8 * 1024 * 1024
"""Output that is accepted whatever the ratio."""


class Encoder:
    """Puts the coding on."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdCompressor(level=LEVEL).compressobj()

    def feed(self, chunk: bytes) -> bytes:
        """The coded form of `chunk`, complete enough to be decoded by itself."""
        coded: bytes = self._frame.compress(chunk)
        flushed: bytes = self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return coded + flushed

    def finish(self) -> bytes:
        """The end of the frame."""
        last: bytes = self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)
        return last


class Decoder:
    """Takes the coding off. Raises UpstreamError for what is not one whole, modest frame."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).decompressobj()
        self._taken = 0
        self._given = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The plain bytes of `chunk`, in pieces."""
        for start in range(0, len(chunk), SLICE_BYTES):
            piece = chunk[start : start + SLICE_BYTES]
            try:
                plain: bytes = self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                raise UpstreamError(UpstreamReason.BROKEN_BODY, f"zstd: {error}") from error
            self._taken += len(piece)
            self._given += len(plain)
            if self._given > FREE_BYTES and self._given > RATIO * self._taken:
                raise UpstreamError(UpstreamReason.BROKEN_BODY, "zstd: expands without bound")
            if plain:
                yield plain

    def finish(self) -> None:
        """Check that the frame is complete."""
        if not self._frame.eof:
            raise UpstreamError(UpstreamReason.BROKEN_BODY, "zstd frame without its end")
