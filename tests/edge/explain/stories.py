"""What tests of explanations share: stored responses, and what is said of a request to them."""

from dataclasses import replace

from edge.cache.entry import Entry
from edge.config import DEFAULT_LIMITS, OriginServer, SiteRules
from edge.explain.explain import View, explain
from edge.explain.explanation import Explanation
from edge.explain.question import question
from edge.forwarding import Hop
from edge.judgement import Prospect
from edge.servers import Servers
from edge.sites import Sites
from tests.edge.cache.stories import RULES, ask, at, keep, say

ORIGINS = tuple(OriginServer(scheme="http", host=f"192.0.2.{n}", port=80) for n in (1, 2))
SITE = replace(RULES, origins=ORIGINS, never_cache=("/cart*",))
MINUTE = keep(say(cache_control="max-age=60", etag='"a"'))
BARE = keep(say(cache_control="max-age=60"))
SWR = keep(say(cache_control="max-age=60, stale-while-revalidate=600", etag='"a"'))
ASKING = keep(say(cache_control="no-cache, max-age=60", etag='"a"'))
GERMAN = keep(
    say(cache_control="s-maxage=60", vary="Accept-Language"), request=ask(accept_language="de")
)
PRIVATE = keep(
    say(cache_control="public, max-age=60", vary="Cookie"), request=ask(cookie="id=secret")
)


def told(
    seconds: float,
    stored: list[Entry],
    url: str = "http://shop.test/",
    *fields: str,
    method: str = "GET",
    site: SiteRules = SITE,
    prospect: Prospect | None = None,
    trust: bool = False,
    doubtful: bool = False,
    secret: bytes = b"",
) -> Explanation:
    """What is said `seconds` after the beginning of the story."""
    servers = Servers()
    view = View(
        hop=Hop(node="east", cdn_id="midmile-demo", trust=trust),
        sites=Sites([site]),
        limits=DEFAULT_LIMITS,
        stored=lambda key: [entry for entry in stored if entry.key == key],
        prospect=lambda *_: prospect or Prospect(),
        doubtful=doubtful,
        standings=lambda site: servers.standings(site.name, ("p", "q"), at(seconds).mono_s),
        secret=secret,
    )
    return explain(question(url, method, fields), view, at(seconds))
