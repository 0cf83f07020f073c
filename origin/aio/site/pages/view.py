"""For whom, and for which minute, a page is rendered."""

from dataclasses import dataclass

from origin.aio.site.visitors.cookies import Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a page depends on besides its subject."""

    minute: int
    """Wall-clock seconds // 60."""
    visitor: Visitor | None
    """None for who only looks; always None with `esi`."""
    esi: bool
    """Whether fragments are included by a surrogate instead of standing inline."""
    path: str
    """With its query, as the page's own links and forms come back to it."""
