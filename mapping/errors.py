"""What can go wrong in the mapping room; every error says whose fault it is and its DNS status."""

from enum import StrEnum

import dns.rcode


class Side(StrEnum):
    """Who has to act for an error to go away."""

    CLIENT = "client"
    """Whoever asks sent something that nobody could answer."""
    UPSTREAM = "upstream"
    """A server that we asked failed."""
    OURS = "ours"
    """Our settings or our code."""


class MappingError(Exception):
    """Base of all errors of this package; its text is one line for the operator."""

    side: Side = Side.OURS
    retry: bool = False
    rcode: dns.rcode.Rcode = dns.rcode.SERVFAIL


class SettingsError(MappingError):
    """The settings describe something DNS cannot say, such as delegating a zone's own apex."""


class ProtocolError(MappingError):
    """The bytes of a client break the protocol."""

    side = Side.CLIENT
    rcode = dns.rcode.FORMERR


class MalformedQueryError(ProtocolError):
    """A query that cannot be read; answered FORMERR."""

    def __init__(self, reason: str, *, saw_opt: bool = False) -> None:
        """`saw_opt`: it had an OPT record, so its answer has one too (RFC 6891 6.1.1)."""
        super().__init__(reason)
        self.saw_opt = saw_opt


class FramingError(ProtocolError):
    """A TCP stream that holds no DNS messages, or too long ones; the connection ends."""


class WalkError(MappingError):
    """Walking the tiers came to an end without an answer."""

    side = Side.UPSTREAM
    retry = True
