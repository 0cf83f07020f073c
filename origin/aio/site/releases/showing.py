"""What the shop shows just now: a release with its assets and pages, until there is another one.

`midmile shop release` writes a number into the node's home folder. Every process of the node sees
it within `LOOK_S`, and before it says that an asset is not there: whoever got a page from a quicker
process must get that page's assets from any.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from origin.aio.site import objects
from origin.aio.site.http.representation import Representation
from origin.aio.site.pages.whole import Pages
from origin.aio.site.releases.assets import Assets, load_assets
from origin.aio.site.releases.release import FILE, Release, read_release

log = logging.getLogger("midmile.origin.site")

LOOK_S = 0.5
KEPT_BYTES = 24 * 1024 * 1024
"""Rendered pages kept, some three hundred; those of the last minute go soon."""
_UNREADABLE = "release-unreadable"


class Rendered:
    """Pages that are the same for many, by what they were rendered from; the oldest go first."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most = most_bytes
        self._pages: OrderedDict[Hashable, Representation] = OrderedDict()
        self._bytes = 0

    def page(self, key: Hashable, render: Callable[[], Representation]) -> Representation:
        """The page of this key, rendered at most once while it is kept."""
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = render()
            self._bytes += found.size
            while self._bytes > self._most:
                _, dropped = self._pages.popitem(last=False)
                self._bytes -= dropped.size
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that a release is made of."""

    release: Release
    assets: Assets
    pages: Pages
    stored: Mapping[str, Representation]
    """What stands still, by path."""
    rendered: Rendered = field(default_factory=Rendered)

    @classmethod
    def of(cls, release: Release) -> "Shown":
        """Read and prepare everything of a release; takes a while."""
        assets = load_assets(release.number)
        stored = {**assets.by_path, **objects.static_objects()}
        if release.highest > release.number:
            # After a step back: pages of the later releases are still about.
            stored = {**load_assets(release.highest).by_path, **stored}
        return cls(release=release, assets=assets, pages=Pages(assets, release), stored=stored)


class Showing:
    """The release that this process shows, and its eye on the file that names it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen = self._stamp()
        self._looking = asyncio.Lock()
        self.now = Shown.of(self._at_first())
        self.changed = asyncio.Condition()
        """Notified after each change."""

    async def look(self) -> None:
        """Show what the file names now, if that is another release."""
        if self._stamp() == self._seen:
            return
        async with self._looking:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            # Whatever comes of it: a file that cannot be used is not tried again until it changes.
            self._seen = stamp
            await self._change()

    def _at_first(self) -> Release:
        try:
            return read_release(self._home)
        except (OSError, ValueError) as error:
            log.warning("showing the first release: %s", error, extra={"event": _UNREADABLE})
            return Release()

    async def _change(self) -> None:
        try:
            release = await asyncio.to_thread(read_release, self._home)
            if release == self.now.release:
                return
            self.now = await asyncio.to_thread(Shown.of, release)
        except (OSError, ValueError) as error:
            log.warning("cannot show a release: %s", error, extra={"event": _UNREADABLE})
            return
        log.info(
            "showing release %d",
            release.number,
            extra={"event": "release-shown", "release": release.number},
        )
        async with self.changed:
            self.changed.notify_all()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    def _stamp(self) -> tuple[int, int] | None:
        """Changes whenever the file does, which is replaced and never written into."""
        try:
            stat = (self._home / FILE).stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino


SHOWING = web.AppKey("showing", Showing)


def shown(request: web.Request) -> Shown:
    """What is shown to this request."""
    return request.app[SHOWING].now
