"""Host and port as a client names them (RFC 9110 7.2, RFC 3986 3.2).

Which site a host belongs to is `sites`' matter.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

# Narrower than RFC 3986's reg-name: its sub-delims and percent-encodings are in no host's name.
_AUTHORITY = re.compile(
    r"(?:(?P<name>[a-z0-9_](?:[a-z0-9_.-]{0,253}[a-z0-9_.])?)|\[(?P<v6>[0-9a-f:.]{2,45})\])"
    r"(?::(?P<port>[0-9]{0,5}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A host and a port, in lower case.

    `host` has no trailing dot; an IPv6 address stands in its shortest form, without brackets.
    """

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse_authority(text: str) -> Authority | None:
    """`host[:port]`, None for anything else; user information is never valid here."""
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= 65_535:
        return None
    host = _name(match["name"]) if match["name"] else _ipv6(match["v6"])
    return Authority(host=host, port=port) if host else None


def _name(text: str) -> str | None:
    name = text.removesuffix(".")
    return None if ".." in text or not name or name.startswith(".") else name


def _ipv6(text: str) -> str | None:
    try:
        return IPv6Address(text).compressed
    except AddressValueError:
        return None
