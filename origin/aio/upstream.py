"""A parent's way to a site's origin servers."""

import ssl
from collections.abc import Mapping
from dataclasses import replace

from edge.aio.fetch import Fetched, Fetcher
from edge.aio.pool import NextHop
from edge.aio.upstream import Interim, Upload
from edge.config import Limits, SiteRules
from edge.message import Request
from edge.metrics import EdgeMetrics

ORIGIN_IDLE_S = 30.0
"""Origin servers of all kinds keep idle connections for 60 s or more, a few for 5: a request that
is safe to repeat finds out by trying, any other gets a connection of its own."""


class OriginFetcher(Fetcher):
    """Asks the origin servers that the network file gives a site, and no other host."""

    def __init__(self, sites: tuple[SiteRules, ...], limits: Limits, metrics: EdgeMetrics) -> None:
        super().__init__(limits, metrics, idle_s=ORIGIN_IDLE_S)
        trusted = ssl.create_default_context()
        trusted.set_alpn_protocols(["http/1.1"])
        self._hops = {
            site.name: {
                origin.url: NextHop(
                    name=origin.url,
                    url=origin.url,
                    context=trusted if origin.scheme == "https" else None,
                )
                for origin in site.origins
            }
            for site in sites
        }

    def hops(self, site: SiteRules) -> Mapping[str, NextHop]:
        """The site's origin servers."""
        return self._hops[site.name]

    async def fetch(
        self, site: SiteRules, request: Request, upload: Upload | None, interim: Interim
    ) -> Fetched:
        """As `Fetcher.fetch`, with the Host that the site's rules want."""
        if site.origin_host is not None:
            request = replace(request, headers=request.headers.put("host", site.origin_host))
        return await super().fetch(site, request, upload, interim)
