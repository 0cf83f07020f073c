"""Requests, responses and entries for the tests of the cache, in few words."""

from edge.cache.entry import Entry, make_entry
from edge.cache.key import cache_key
from edge.cache.storable import StoreDecision, storable
from edge.config import SiteRules
from edge.message import Headers, Request, Response
from edge.moment import Moment

NOON = 784_111_777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's examples."""
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:00:00 GMT"
LATER = "Sun, 06 Nov 1994 09:00:00 GMT"
RULES = SiteRules(name="shop", hostnames=frozenset({"shop.test"}), origins=())


def at(seconds: float) -> Moment:
    """`seconds` after the beginning of the story."""
    return Moment(NOON + seconds, 1_000.0 + seconds)


def fields(**named: str) -> Headers:
    """Header fields, `_` in a name standing for `-`."""
    return Headers((name.replace("_", "-"), value) for name, value in named.items())


def ask(
    target: str = "/", /, *, method: str = "GET", scheme: str = "http", **named: str
) -> Request:
    """A request for `target` on the shop."""
    return Request(
        method=method,
        scheme=scheme,
        authority="shop.test",
        host_port="shop.test",
        target=target,
        headers=fields(**named),
        client="192.0.2.1",
    )


def say(status: int = 200, /, **named: str) -> Response:
    """A response, dated at the story's beginning unless told."""
    return Response(status=status, reason="OK", headers=fields(**{"date": DATE, **named}))


def judge(request: Request, response: Response, rules: SiteRules = RULES) -> StoreDecision:
    """Whether it may be stored at the story's beginning."""
    return storable(request, response, rules, sent=at(0), now=at(0))


def keep(response: Response, body: bytes = b"0123456789", request: Request | None = None) -> Entry:
    """The entry of a response that came at the story's beginning."""
    request = request or ask()
    decision = judge(request, response)
    key = cache_key(request, RULES)
    return make_entry(key, request, response, body, decision, sent=at(0), received=at(0))
