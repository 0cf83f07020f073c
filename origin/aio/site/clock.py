"""The shop's clock: wall-clock seconds, so that every process has the same price in a minute."""

from collections.abc import Callable

from aiohttp import web

Clock = Callable[[], float]
"""Unix seconds."""
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
MINUTE_S = 60


def minute_of(request: web.Request) -> int:
    """The minute in which a request is answered, which prices and stock go by."""
    return int(request.app[CLOCK]()) // MINUTE_S


def rest_of_minute(request: web.Request) -> int:
    """Whole seconds until prices and stock change; at least 1."""
    return MINUTE_S - int(request.app[CLOCK]()) % MINUTE_S
