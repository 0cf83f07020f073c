"""Kinds of value that are text, a number or a choice: names, tokens, patterns, switches."""

import re
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from deploy.names import LABEL, is_hostname
from deploy.network.kind import Kind, write

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


@dataclass(frozen=True, slots=True)
class LabelKind(Kind):
    """A name that fits into host names."""

    label = "name"
    example = "east"

    most: int = 63
    """Characters; a label of the DNS has no more (RFC 1035 2.3.4)."""

    @property
    @override
    def expected(self) -> str:
        return f"a name of lower-case letters, digits and inner hyphens, {self.most} at most"

    @override
    def read(self, value: object) -> str:
        text = self.text(value)
        if self._fits(text):
            return text
        better = re.sub(r"[\s_.]+", "-", text.strip().lower())
        raise self.refusal(write(better) if self._fits(better) else "")

    def _fits(self, text: str) -> bool:
        return len(text) <= self.most and LABEL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class TokenKind(Kind):
    """A token of HTTP (RFC 9110 5.6.2)."""

    label = "token"
    example = "midmile-demo"

    @property
    @override
    def expected(self) -> str:
        return "a token of HTTP: letters, digits and !#$%&'*+-.^_`|~ without spaces, 64 at most"

    @override
    def read(self, value: object) -> str:
        text = self.text(value)
        if _TOKEN.fullmatch(text):
            return text
        raise self.refusal()


@dataclass(frozen=True, slots=True)
class MailKind(Kind):
    """A mail address, for the SOA record."""

    label = "mail address"
    example = "hostmaster@example.com"

    @property
    @override
    def expected(self) -> str:
        return f'a mail address, such as "{self.example}"'

    @override
    def read(self, value: object) -> str:
        mailbox, _, domain = self.text(value).rpartition("@")
        if not _MAILBOX.fullmatch(mailbox) or not is_hostname(domain.lower()):
            raise self.refusal()
        return f"{mailbox}@{domain.lower()}"


@dataclass(frozen=True, slots=True)
class FileKind(Kind):
    """The path of a file, seen from the network file's folder."""

    label = "path"
    example = "shop.crt"

    @property
    @override
    def expected(self) -> str:
        return "the path of a file, relative to this network file's folder or absolute"

    @override
    def read(self, value: object) -> str:
        text = self.text(value)
        if text and text.isprintable():
            return text
        raise self.refusal()


@dataclass(frozen=True, slots=True)
class QueryKind(Kind):
    """Which query parameters make a difference: read as None for all, else as those that do."""

    label = "rule"
    example = '["q", "page"]'

    @property
    @override
    def expected(self) -> str:
        return f'"all", "none", or a list of the parameters that count, such as {self.example}'

    @override
    def read(self, value: object) -> frozenset[str] | None:
        if value in ("all", "none"):
            return None if value == "all" else frozenset()
        if isinstance(value, str) and re.fullmatch(r"[\w.-]+", value):
            raise self.refusal(f'write ["{value}"]')
        if not isinstance(value, list):
            raise self.refusal()
        if not all(isinstance(name, str) and name for name in value):
            raise self.refusal("each parameter is a string")
        return frozenset(value)

    @override
    def shown(self, value: Any) -> str:
        return '"all"' if value is None else '"none"' if not value else str(sorted(value))


@dataclass(frozen=True, slots=True)
class PatternKind(Kind):
    """A pattern over the path of a URL."""

    label = "path pattern"
    example = "/account/*"

    @property
    @override
    def expected(self) -> str:
        return f'a path that starts with "/" or "*", where * is any run: "{self.example}"'

    @override
    def read(self, value: object) -> str:
        text = self.text(value)
        if re.search(r"[?#]", text):
            raise self.refusal("only the path is compared: leave out the query")
        if re.fullmatch(r"[!-~]+", text) and text[0] in "/*":
            return text
        rooted = f"/{text}"
        raise self.refusal(write(rooted) if re.fullmatch(r"[!-~]{2,}", rooted) else "")


@dataclass(frozen=True, slots=True)
class CountKind(Kind):
    """A whole number within bounds."""

    label = "number"
    example = "2"

    least: int
    most: int

    @property
    @override
    def expected(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    @override
    def read(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            if self.least <= value <= self.most:
                return value
            raise self.refusal()
        digits = isinstance(value, str) and value.isascii() and value.isdigit()
        raise self.refusal(f"write {value} without quotes" if digits else "")

    @override
    def shown(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True, slots=True)
class SwitchKind(Kind):
    """Yes or no."""

    label = "switch"
    example = "true"

    @property
    @override
    def expected(self) -> str:
        return "true or false"

    @override
    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        said = str(value).lower()
        word = "true" if said in _YES else "false" if said in _NO else None
        raise self.refusal(f"write {word} without quotes" if word else "")

    @override
    def shown(self, value: Any) -> str:
        return "true" if value else "false"
