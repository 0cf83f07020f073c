"""Which request fields select among the stored responses of one key (RFC 9111 4.1)."""

import re

from edge.fields import split_list, tokens
from edge.forwarding import CLIENT_FIELDS, TARGET_FIELDS
from edge.message import Headers

Selecting = tuple[tuple[str, str | None], ...]
"""Names and normalised values of the fields a response was selected by; None: field absent."""

MAX_NOMINATED = 16
"""Names in one Vary; above it every request is a variant of its own and storing is useless."""

MAX_READ_CHARS = 1024
"""Of a field that is taken apart. Browsers send a tenth; a longer one would cost a hit dear."""

_CASELESS = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language"})
_UNORDERED = frozenset({"accept-encoding", "accept-language"})
"""Order means nothing, since weights rank the members (RFC 9110 12.5.3 and 12.5.4)."""
_LANGUAGE = "accept-language"
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_COMMA = re.compile(r'[ \t]*(,)[ \t]*|("(?:[^"\\]|\\.)*")')


def nominated(response: Headers) -> tuple[str, ...] | None:
    """The sorted lower-case names in Vary, and those it should have; None: no request can match.

    None can with `*`, more than `MAX_NOMINATED` names, and fields about the client that we write
    ourselves: the origin has seen other values than the request before us has. Those that repeat
    what the cache key says are left out.
    """
    names = tokens(response.lines("vary")) | _plainly_varies(response)
    if not names:
        return ()
    if "*" in names or len(names) > MAX_NOMINATED or names & CLIENT_FIELDS:
        return None
    return tuple(sorted(names - TARGET_FIELDS - {"host"}))


def _plainly_varies(response: Headers) -> set[str]:
    """The fields by which a response shows to have been chosen, whether or not Vary names them.

    Many servers forget it. One visitor's request would then decide in which coding all others get
    a page, or whose scripts may read it.
    """
    names = set()
    if tokens(response.lines("content-encoding")) - {"identity"}:
        names.add("accept-encoding")
    if set(response.lines("access-control-allow-origin")) - {"*"}:
        names.add("origin")
    return names


class RequestFields:
    """A request's fields as variants are compared by; each is read once, for however many."""

    __slots__ = ("_favourite", "_headers", "_values")

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._values: dict[str, str | None] = {}
        self._favourite: str | None = None

    def value(self, name: str) -> str | None:
        """What the request has in the field `name`, normalised; None without it."""
        try:
            return self._values[name]
        except KeyError:
            return self._values.setdefault(name, _normalised(name, self._headers.lines(name)))

    def match(self, stored: Selecting, language: str | None = None) -> bool:
        """Whether the request has the same in each of the stored fields.

        `language` is that of the stored response, if it is in one (Content-Language): who likes it
        best would be given the same, whatever else is in Accept-Language.
        """
        return all(
            value == self.value(name) or (name == _LANGUAGE and self._likes_best(language))
            for name, value in stored
        )

    def _likes_best(self, language: str | None) -> bool:
        if language is None:
            return False
        if self._favourite is None:
            self._favourite = _favourite(self.value(_LANGUAGE) or "")
        return self._favourite == language.lower()


def selecting(names: tuple[str, ...], request: Headers) -> Selecting:
    """What `request` has in the fields `names`."""
    return tuple((name, _normalised(name, request.lines(name))) for name in names)


def selects(stored: Selecting, request: Headers) -> bool:
    """Whether `request` has the same in each of the stored fields."""
    return RequestFields(request).match(stored)


def _favourite(accepted: str) -> str:
    """The one language of the greatest weight in a normalised Accept-Language; empty: none."""
    weights: dict[float, list[str]] = {}
    for member in accepted.split(","):
        tag, _, parameter = member.partition(";")
        weight = _WEIGHT.fullmatch(parameter)
        if tag and (weight or not parameter):
            weights.setdefault(float(weight[1]) if weight else 1.0, []).append(tag)
    greatest = max(weights, default=0.0)
    return weights[greatest][0] if greatest and len(weights[greatest]) == 1 else ""


def _normalised(name: str, lines: tuple[str, ...]) -> str | None:
    """Equal for values that surely mean the same; a field's absence equals nothing but absence."""
    if not lines:
        return None
    if name not in _CASELESS or sum(map(len, lines)) > MAX_READ_CHARS:
        # Of an unknown field only this is known: lines may be joined, ends may be trimmed, and
        # space around a comma means nothing in a list (RFC 9110 5.6.1).
        joined = ",".join(line.strip(" \t") for line in lines)
        if "," not in joined or len(joined) > MAX_READ_CHARS:
            return joined
        return _COMMA.sub(r"\1\2", joined)
    members = ["".join(member.split()).lower() for line in lines for member in split_list(line)]
    return ",".join(sorted(members) if name in _UNORDERED else members)
