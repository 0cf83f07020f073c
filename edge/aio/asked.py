"""A request on its way upstream."""

from dataclasses import dataclass

from edge.aio.clocks import now
from edge.aio.flights import Flight
from edge.cache.directives import request_directives
from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.cache.slices import Slice
from edge.cache.stale import StaleReason, instead_of_failure
from edge.cache.vary import selects
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
    doubtful: bool = False
    """Purges may have been missed: what is stored is asked about before it is used."""
    longer_s: int | None = None
    """Nobody waits: what is stored is fresh, and wanted is something that is so for this long."""

    def takes_validated(self, flight: Flight, *, joined: bool) -> bool:
        """Whether the stored response that `flight` has validated answers this.

        Who only `joined` may not have it if the 304 keeps it from others.
        """
        if not joined:
            return True
        stored = flight.decision is not None and flight.decision.store
        return stored and flight.entry is not None and self._selects(flight.entry)

    def takes_instead(self, flight: Flight) -> StaleReason | None:
        """Why the stored response of `flight` may stand in for its failure; None: it may not."""
        assert flight.entry is not None
        assert flight.failure is not None
        if not self._selects(flight.entry):
            return None
        return self.takes_stale(flight.entry, answered=flight.failure.answered)

    def takes_stale(self, entry: Entry, *, answered: bool) -> StaleReason | None:
        """Why `entry` may be used where asking failed; `answered`: it was the origin's error."""
        wanted = request_directives(self.request.headers)
        return instead_of_failure(entry, wanted, self.site, now(), answered=answered)

    def _selects(self, entry: Entry) -> bool:
        return selects(entry.selecting, self.request.headers)
