"""Kinds of value that say where something is: hosts, addresses, prefixes, origins."""

import ipaddress
import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from typing_extensions import override

from deploy.names import HOST_MAX, Address, ip_or_none, is_host, is_hostname
from deploy.network.kind import Kind, write

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HostKind(Kind):
    """A host name, or also an IP address; without port."""

    label = "host"
    example = "shop.example.com"

    addresses: bool = True
    """Whether IP addresses are taken too."""

    @property
    @override
    def expected(self) -> str:
        also = " or IP address" if self.addresses else ""
        return f'a host name{also}, without scheme and port, such as "{self.example}"'

    @override
    def read(self, value: object) -> str:
        text = self.text(value).lower().removesuffix(".")
        if self._takes(text):
            address = ip_or_none(text)
            return text if address is None else address.compressed
        raise self.refusal(self._hint(text))

    def _takes(self, text: str) -> bool:
        return is_host(text) if self.addresses else is_hostname(text)

    def _hint(self, text: str) -> str:
        if "*" in text:
            return "wildcards are not supported: list each name"
        if "_" in text:
            return "host names have no underscores"
        bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text).partition("/")[0]
        bare = re.sub(r"^\[(.*)\](:\d+)?$|:\d+$", r"\1", bare).strip()
        if len(bare) > HOST_MAX:
            return ""
        try:
            ascii_form = bare.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
        return write(ascii_form) if self._takes(ascii_form) else ""


@dataclass(frozen=True, slots=True)
class HostPortKind(Kind):
    """A Host header field's value: the port may be left out."""

    label = "host"
    example = "origin.example.com"

    @property
    @override
    def expected(self) -> str:
        return f'a host name or IP address, with a port where it needs one: "{self.example}"'

    @override
    def read(self, value: object) -> str:
        text = self.text(value).lower()
        for candidate in (text, f"{text}:80"):
            host, port = _split_address(candidate)
            if port and is_host(host):
                return text
        raise self.refusal()


@dataclass(frozen=True, slots=True)
class AddressKind(Kind):
    """Host and port; the host is an IP address unless names are allowed."""

    label = "address"
    example = "127.0.1.1:8080"

    names: bool = False
    """Whether the host may be a name."""
    reachable: bool = False
    """Whether others are told it, so that a wildcard makes no sense."""

    @property
    @override
    def expected(self) -> str:
        host = "a host name or IP address" if self.names else "an IP address"
        others = " that others can reach" if self.reachable else ""
        return f'{host}{others} and a port from 1 to 65535, such as "{self.example}"'

    @override
    def read(self, value: object) -> Address:
        text = str(value) if isinstance(value, Address) else self.text(value)
        host, port = _split_address(text)
        address = ip_or_none(host)
        if port is None:
            raise self.refusal(self._port_hint(text))
        if address is None and not (self.names and is_hostname(host.lower())):
            raise self.refusal(self._host_hint(host, port))
        if address is not None and address.is_unspecified and self.reachable:
            raise self.refusal("a wildcard is for `listen` only: say here what others connect to")
        return Address(host.lower() if address is None else address.compressed, port)

    def _port_hint(self, text: str) -> str:
        bare = text.removeprefix("[").removesuffix("]")
        address = ip_or_none(bare)
        if isinstance(address, ipaddress.IPv6Address):
            return f'add a port: "[{bare}]:8080"'
        if address is not None or (self.names and is_hostname(text)):
            return f'add a port: "{text}:8080"'
        return write(f"0.0.0.0:{text}") if self._is_bare_port(text) else ""

    def _is_bare_port(self, text: str) -> bool:
        return not self.reachable and _split_address(f"a:{text}")[1] is not None

    def _host_hint(self, host: str, port: int) -> str:
        if host == "localhost":
            return write(f"127.0.0.1:{port}")
        if host in ("", "*") and not self.reachable:
            return f'write "0.0.0.0:{port}" for every address of the machine'
        if is_hostname(host.lower()):
            return "answers of the DNS carry it" if self.reachable else "a name cannot be bound"
        return ""


def _split_address(text: str) -> tuple[str, int | None]:
    """Host and port of `host:port` or `[v6]:port`; the port is None unless it is a right one."""
    found = re.fullmatch(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]*)):(?P<port>.*)", text)
    if found is None:
        return text, None
    digits = found["port"]
    right = re.fullmatch(r"[1-9][0-9]{0,4}", digits) and int(digits) <= 65535
    return found["v6"] or found["host"], int(digits) if right else None


@dataclass(frozen=True, slots=True)
class PrefixKind(Kind):
    """A network prefix, written canonically."""

    label = "prefix"
    example = "192.0.2.0/24"

    @property
    @override
    def expected(self) -> str:
        return f'an IP prefix with its length, such as "{self.example}"'

    @override
    def read(self, value: object) -> str:
        text = self.text(value)
        try:
            prefix = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise self.refusal() from None
        if "/" not in text:
            raise self.refusal(f'write "{prefix}" for this address alone')
        host, _, length = text.partition("/")
        if ip_or_none(host) != prefix.network_address or not length.isdigit():
            raise self.refusal(write(str(prefix)))
        return str(prefix)


class Origin(NamedTuple):
    """Scheme, host and port of an origin server."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{Address(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class OriginKind(Kind):
    """An origin server's URL: scheme, host, perhaps a port, and nothing else."""

    label = "URL"
    example = "http://192.0.2.10:8080"

    @property
    @override
    def expected(self) -> str:
        return f'an http or https URL of host and port only, such as "{self.example}"'

    @override
    def read(self, value: object) -> Origin:
        text = self.text(value)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise self.refusal() from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise self.refusal(self._scheme_hint(text))
        # urlsplit drops control characters and spaces silently.
        if not re.fullmatch(r"[!-~]+", text) or not is_host(parts.hostname or "") or port == 0:
            raise self.refusal()
        if "@" in parts.netloc:
            raise self.refusal("user names and passwords do not belong into this file")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise self.refusal(write(f"{parts.scheme}://{parts.netloc}"))
        return Origin(parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS[parts.scheme])

    def _scheme_hint(self, text: str) -> str:
        authority = text.partition("/")[0]
        host = authority.partition(":")[0].lower()
        return write(f"http://{authority}") if is_host(host) and "://" not in text else ""
