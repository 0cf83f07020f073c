"""Puts VP8 frames into a WebM file.

Written from the Matroska specification (RFC 9559) and its WebM profile: one video track, key
frames only, an index that stands before the pictures. Nothing here knows what the frames show.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Element identifiers, RFC 8794 section 11.2 and RFC 9559 section 5.
_EBML, _VOID = 0x1A45DFA3, 0xEC
_SEGMENT, _SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = (
    0x18538067,
    0x114D9B74,
    0x4DBB,
    0x53AB,
    0x53AC,
)
_INFO, _TIMESTAMP_SCALE, _DURATION, _MUXING_APP, _WRITING_APP = (
    0x1549A966,
    0x2AD7B1,
    0x4489,
    0x4D80,
    0x5741,
)
_TRACKS, _TRACK_ENTRY, _VIDEO = 0x1654AE6B, 0xAE, 0xE0
_CUES, _CUE_POINT, _CUE_TIME, _CUE_TRACK_POSITIONS, _CUE_TRACK, _CUE_CLUSTER_POSITION = (
    0x1C53BB6B,
    0xBB,
    0xB3,
    0xB7,
    0xF7,
    0xF1,
)
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3

_MS_IN_NS = 1_000_000
_TRACK = 1
_VOID_HEAD_BYTES = 9
_BLOCK_HEAD = struct.Struct(">BIBhB")
"""Identifier, size in four bytes, track, milliseconds since the cluster's, flags."""
_KEY_FRAME = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A sequence of VP8 key frames, and how to show it."""

    width: int
    height: int
    frame_ms: int
    """How long each frame is shown."""
    frames: Sequence[bytes]
    """May hold the same object many times."""
    cluster_frames: int = 25
    """Frames between two places that a player can find by the index; a cluster of them lasts
    at most 32 s, since a block counts its milliseconds in sixteen bits."""


def vp8_frame(webp: bytes) -> bytes:
    """The VP8 key frame in a lossy WebP picture; ValueError where there is none.

    RFC 9649 section 2.5: such a picture is a RIFF file with a `VP8 ` chunk.
    """
    if webp[:4] != b"RIFF" or webp[8:12] != b"WEBP":
        raise ValueError("not a WebP picture")
    at = 12
    while at + 8 <= len(webp):
        name, size = struct.unpack_from("<4sI", webp, at)
        if name == b"VP8 ":
            return webp[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise ValueError("not a lossy WebP picture")


def webm(film: Film, *, size_bytes: int | None = None) -> Iterator[bytes]:
    """The file, in parts. With `size_bytes` padding makes it just so long.

    ValueError where it is longer than that without any padding.
    """
    clusters = [_Cluster(film, start) for start in range(0, len(film.frames), film.cluster_frames)]
    head = _ebml_header()
    body_bytes = len(_index(film, clusters)) + sum(cluster.size_bytes for cluster in clusters)
    padding = b""
    if size_bytes is not None:
        # A segment's own head has always 12 bytes here: four of identifier, eight of size.
        spare = size_bytes - len(head) - 12 - body_bytes
        if spare < _VOID_HEAD_BYTES:
            raise ValueError(f"the film does not fit into {size_bytes} bytes")
        padding = _element(_VOID, bytes(spare - _VOID_HEAD_BYTES), wide=True)
    yield head + _identifier(_SEGMENT) + _wide_size(body_bytes + len(padding))
    yield _index(film, clusters)
    for cluster in clusters:
        yield from cluster.parts()
    yield padding


class _Cluster:
    """A second or so of frames."""

    def __init__(self, film: Film, start: int) -> None:
        self._film = film
        self._frames = film.frames[start : start + film.cluster_frames]
        self.start_ms = start * film.frame_ms
        self._timestamp = _number(_TIMESTAMP, self.start_ms)
        blocks = sum(len(frame) + _BLOCK_HEAD.size for frame in self._frames)
        self._body_bytes = len(self._timestamp) + blocks
        self.size_bytes = 12 + self._body_bytes

    def parts(self) -> Iterator[bytes]:
        yield _identifier(_CLUSTER) + _wide_size(self._body_bytes) + self._timestamp
        for at, frame in enumerate(self._frames):
            size = 0x1000_0000 | (len(frame) + 4)  # four bytes: RFC 8794 section 4
            after_ms = at * self._film.frame_ms
            yield _BLOCK_HEAD.pack(_SIMPLE_BLOCK, size, 0x80 | _TRACK, after_ms, _KEY_FRAME)
            yield frame


def _index(film: Film, clusters: list[_Cluster]) -> bytes:
    """All that stands before the first cluster.

    Positions are counted from the segment's first byte and always take eight bytes, so the
    lengths are known before the positions are.
    """
    info, tracks = _info(film), _tracks(film)
    seek_bytes = len(_seek_head(0, 0, 0))
    cue_bytes = len(_cues(clusters, 0))
    first = seek_bytes + len(info) + len(tracks) + cue_bytes
    seek_head = _seek_head(seek_bytes, seek_bytes + len(info), first - cue_bytes)
    return seek_head + info + tracks + _cues(clusters, first)


def _ebml_header() -> bytes:
    return _element(
        _EBML,
        _number(0x4286, 1)  # EBMLVersion
        + _number(0x42F7, 1)  # EBMLReadVersion
        + _number(0x42F2, 4)  # EBMLMaxIDLength
        + _number(0x42F3, 8)  # EBMLMaxSizeLength
        + _element(0x4282, b"webm")  # DocType
        + _number(0x4287, 4)  # DocTypeVersion
        + _number(0x4285, 2),  # DocTypeReadVersion: SimpleBlock came with 2
    )


def _seek_head(info: int, tracks: int, cues: int) -> bytes:
    return _element(
        _SEEK_HEAD,
        b"".join(
            _element(_SEEK, _element(_SEEK_ID, _identifier(name)) + _number(_SEEK_POSITION, at))
            for name, at in ((_INFO, info), (_TRACKS, tracks), (_CUES, cues))
        ),
    )


def _info(film: Film) -> bytes:
    return _element(
        _INFO,
        _number(_TIMESTAMP_SCALE, _MS_IN_NS)
        + _element(_DURATION, struct.pack(">d", len(film.frames) * film.frame_ms))
        + _element(_MUXING_APP, b"midmile")
        + _element(_WRITING_APP, b"midmile"),
    )


def _tracks(film: Film) -> bytes:
    video = _number(0xB0, film.width) + _number(0xBA, film.height)
    return _element(
        _TRACKS,
        _element(
            _TRACK_ENTRY,
            _number(0xD7, _TRACK)
            + _number(0x73C5, _TRACK)  # TrackUID
            + _number(0x83, 1)  # TrackType: video
            + _number(0x9C, 0)  # FlagLacing
            + _element(0x86, b"V_VP8")  # CodecID
            + _number(0x23E383, film.frame_ms * _MS_IN_NS)  # DefaultDuration
            + _element(_VIDEO, video),
        ),
    )


def _cues(clusters: list[_Cluster], first: int) -> bytes:
    points, at = [], first
    for cluster in clusters:
        place = _number(_CUE_TRACK, _TRACK) + _number(_CUE_CLUSTER_POSITION, at)
        points.append(
            _element(
                _CUE_POINT,
                _number(_CUE_TIME, cluster.start_ms) + _element(_CUE_TRACK_POSITIONS, place),
            )
        )
        at += cluster.size_bytes
    return _element(_CUES, b"".join(points), wide=True)


def _element(name: int, content: bytes, *, wide: bool = False) -> bytes:
    """An element with its content; its size takes as few bytes as it can, or eight."""
    size = _wide_size(len(content)) if wide else _size(len(content))
    return _identifier(name) + size + content


def _number(name: int, value: int) -> bytes:
    """An unsigned integer, always in eight bytes."""
    return _element(name, value.to_bytes(8))


def _identifier(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8)


def _size(value: int) -> bytes:
    """A variable-size integer (RFC 8794 section 4) that is not the reserved all-ones."""
    length = 1
    while value >= (1 << 7 * length) - 1:
        length += 1
    return (value | 1 << 7 * length).to_bytes(length)


def _wide_size(value: int) -> bytes:
    return (value | 1 << 56).to_bytes(8)
