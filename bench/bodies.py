"""Bodies of exact sizes for the origin: the demo shop's prose, which flatters no compressor."""

from collections.abc import Mapping

from origin.aio.site.objects import prose

__all__ = ["SIZES", "prose"]

KB = 1024
SIZES: Mapping[str, int] = {"1KB": KB, "10KB": 10 * KB, "100KB": 100 * KB, "1MB": KB * KB}
"""By the name that a case begins with."""
