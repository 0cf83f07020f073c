"""A request on its way upstream."""

from dataclasses import dataclass

from edge.cache.key import Key
from edge.cache.slices import Slice
from edge.config import SiteRules
from edge.message import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that goes upstream, and what is known of it."""

    site: SiteRules
    request: Request
    """As received, with the target that is keyed and forwarded."""
    key: Key
    request_id: str
    websocket: bool = False
    """The client has asked to speak WebSocket, in due form."""
    slice: Slice | None = None
    """This slice is wanted, of what is stored under `whole`; `key` is the slice's."""
    whole: Key = ""
    longer_s: int | None = None
    """Nobody waits: what is stored is fresh, and wanted is something that is so for this long."""
