"""What a 304, or the answer to a HEAD, does to the stored response (RFC 9111 3.2, 4.3.4, 4.3.5)."""

from dataclasses import dataclass, replace

from edge.cache.entry import NEVER_STORED, Entry, make_entry
from edge.cache.storable import StoreDecision, StoreReason, storable
from edge.cache.validate import strong_match, weak_match
from edge.config import SiteRules
from edge.forwarding import without_hop_by_hop
from edge.message import Headers, Request, Response
from edge.moment import Moment

_NOT_UPDATED = NEVER_STORED | frozenset(
    # They describe the stored body, which a 304 does not change (3.2).
    {"content-encoding", "content-length", "content-range"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshened:
    """The stored response with the fields of the 304, or of the answer to a HEAD.

    Answer this request from `entry`. Put it in place of the old one only if `decision.store`:
    they may have forbidden that; then the old one must go.
    """

    entry: Entry
    decision: StoreDecision


def freshen(
    entry: Entry,
    request: Request,
    response: Response,
    rules: SiteRules,
    *,
    sent: Moment,
    received: Moment,
) -> Freshened | None:
    """Update `entry` from a 304 to our conditional request, or from a 200 to a HEAD.

    None where it is about another representation (4.3.4, 4.3.5): ours must go, and whoever asked by
    a condition is to ask again without.
    """
    if not (_confirms if response.status == 304 else _describes)(response.headers, entry):
        return None
    merged = entry.response.with_headers(_merged(entry.response.headers, response.headers, rules))
    # A HEAD's 304 confirms the stored GET just as well (4.3.5).
    asked = replace(request, method="GET", headers=request.headers.without({"range", "if-range"}))
    # That a 304 was for who has cookies says nothing: it is what others had before.
    confirmed = {"cookie"} if response.status == 304 else ()
    judged = asked.with_headers(asked.headers.without(confirmed))
    decision = storable(judged, merged, rules, sent=sent, now=received)
    kept = replace(decision, reason=StoreReason.STORED)
    made = make_entry(entry.key, asked, merged, entry.body, kept, sent=sent, received=received)
    made = replace(made, of_bytes=entry.of_bytes)
    return Freshened(entry=made, decision=decision)


def _describes(headers: Headers, entry: Entry) -> bool:
    """Whether the fields of a 200 to a HEAD are those of `entry`, as far as they tell."""
    known = {name: entry.response.headers.lines(name) for name in ("etag", "last-modified")}
    known["content-length"] = (str(len(entry.body)),)
    told = {name: headers.lines(name) for name in known}
    return entry.response.status == 200 and all(told[name] in ((), known[name]) for name in known)


def _confirms(headers: Headers, entry: Entry) -> bool:
    etag, modified = headers.first("etag"), headers.first("last-modified")
    if etag is not None:
        stored = entry.etag
        match = weak_match if etag.startswith("W/") else strong_match
        return stored is not None and match(etag, stored)
    if modified is not None and entry.etag is None:
        return modified == entry.last_modified
    # Without a validator it can only mean what we asked about. (4.3.4 would have it confirm nothing
    # that has one, but servers that leave it out are many, and we ask about one entry at a time.)
    return True


def _merged(stored: Headers, fresh: Headers, rules: SiteRules) -> Headers:
    # A cookie in a 304 is for this client; it joins the stored response only where the site shares
    # its cookies anyway.
    skipped = _NOT_UPDATED if rules.store_set_cookie else _NOT_UPDATED | {"set-cookie"}
    updates = without_hop_by_hop(fresh).without(skipped)
    # The old Date would age the response by the time that it has been here: see RFC 9110 6.6.1.
    replaced = {name for name, _ in updates} | {"date"}
    age = [("age", value) for value in fresh.lines("age")]
    return Headers((*stored.without(replaced), *updates, *age))
