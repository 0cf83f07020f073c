"""What surrogates before the shop say that they can do (Edge Architecture Specification, 2001).

`Surrogate-Capability: abc="Surrogate/1.0 ESI/1.0"`: a list of device tokens, each with the
capabilities of one surrogate, separated by spaces.
"""

from collections.abc import Iterable, Iterator

from edge.fields import TOKEN, split_list, unquote

FIELD = "Surrogate-Capability"
CONTROL = "Surrogate-Control"
ESI = "ESI/1.0"


def announces_esi(lines: Iterable[str]) -> bool:
    """Whether a surrogate on the way assembles pages from fragments."""
    return any(ESI in capabilities for capabilities in _sets(lines))


def _sets(lines: Iterable[str]) -> Iterator[list[str]]:
    for line in lines:
        for member in split_list(line):
            device, equals, value = member.partition("=")
            # Without quotes it is not as specified, but what Varnish users are told to set.
            if equals and TOKEN.fullmatch(device.strip(" \t")):
                yield unquote(value.strip(" \t")).split()
