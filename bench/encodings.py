"""What a body alone takes under each encoding, made by libraries: what servers could attain.

Pure. Levels are those that servers use for what they make on the fly.
"""

import gzip
import sys
from collections.abc import Mapping

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_LEVEL = 6
"""zlib's default, and the shop's; nginx sets 1 unless told otherwise."""
BROTLI_QUALITY = 5
"""As slow as gzip's 6; 11, the library's default, is for what is compressed once and kept."""
ZSTD_LEVEL = 3
"""zstd's default."""
LEAST_BASE_BYTES = 8
"""libzstd takes no shorter one."""
_WINDOW_LOGS = range(10, 28)
"""RFC 8878 3.1.1.1.2 begins with 1 KB; RFC 9842 2.2.2 lets nobody count on more than 128 MB."""


def sizes(body: bytes, base: bytes | None) -> Mapping[str, int | None]:
    """Bytes by encoding; `base` is what both ends have already. None: it cannot be done."""
    if base is not None and len(base) < LEAST_BASE_BYTES:
        base = None
    return {
        "identity": len(body),
        "gzip": len(gzip.compress(body, GZIP_LEVEL, mtime=0)),
        "brotli": len(brotli.compress(body, quality=BROTLI_QUALITY)),
        "zstd": len(zstd.compress(body, ZSTD_LEVEL)),
        "zstd-base": None if base is None else len(changed(body, base)),
    }


def changed(body: bytes, base: bytes) -> bytes:
    """A zstd frame for whoever has `base`: it reaches back into it as if it were sent before."""
    size = len(base) + len(body)
    window_log = min(max(size.bit_length(), _WINDOW_LOGS.start), _WINDOW_LOGS[-1])
    parameter = zstd.CompressionParameter
    options: dict[int, int] = {
        parameter.compression_level: ZSTD_LEVEL,
        parameter.window_log: window_log,
        # Finds what lies far apart, which level 3 would not look for.
        parameter.enable_long_distance_matching: 1,
    }
    prefix = zstd.ZstdDict(base, is_raw=True).as_prefix
    return zstd.compress(body, options=options, zstd_dict=prefix)
