import struct

import pytest

from mapping.errors import MalformedQueryError
from mapping.query import MAX_QUERY_BYTES, ClientSubnet, Edns, Query, read_header, read_query

NAME = b"\x04shop\x03cdn\x04test\x00"
QUESTION = NAME + b"\x00\x01\x00\x01"
OPT = b"\x00\x00\x29\x10\x00\x00\x00\x80\x00"
"""Root, OPT, 4096 bytes, version 0, DO; the length of the options is missing."""


def header(*counts: int, flags: int = 0x0100) -> bytes:
    return struct.pack("!HHHHHH", 0xBEEF, flags, *counts)


def opt(options: bytes = b"", head: bytes = OPT) -> bytes:
    return head + len(options).to_bytes(2, "big") + options


def option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def read(wire: bytes) -> Query:
    head = read_header(wire)
    assert head is not None
    return read_query(head, wire)


def test_plain_query() -> None:
    """Identity, flags and the question, in the case in which it came."""
    query = read(header(1, 0, 0, 0) + QUESTION.replace(b"shop", b"sHOp"))
    assert query.header.id == 0xBEEF
    assert query.header.recursion_desired
    assert not query.header.is_response
    assert query.header.opcode == 0
    assert query.name.to_text() == "sHOp.cdn.test."
    assert (query.rdtype, query.rdclass, query.edns) == (1, 1, None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(b"", None, id="no options"),
        pytest.param(option(10, b"12345678") + option(65_001, b""), None, id="unknown ones"),
        pytest.param(
            option(8, b"\x00\x01\x18\x00\xc0\x00\x02"),
            ClientSubnet(family=1, source=24, address=b"\xc0\x00\x02"),
            id="v4 /24",
        ),
        pytest.param(
            option(8, b"\x00\x01\x14\x00\x0a\x01\xf0"),
            ClientSubnet(family=1, source=20, address=b"\x0a\x01\xf0"),
            id="v4 /20, spare bits zero",
        ),
        pytest.param(
            option(8, b"\x00\x02\x38\x00\x20\x01\x0d\xb8\x00\x00\x00"),
            ClientSubnet(family=2, source=56, address=b"\x20\x01\x0d\xb8\x00\x00\x00"),
            id="v6 /56",
        ),
        pytest.param(
            option(8, b"\x00\x01\x00\x00"), ClientSubnet(family=1, source=0, address=b""), id="/0"
        ),
        pytest.param(
            option(8, b"\x00\x00\x00\x00"),
            ClientSubnet(family=0, source=0, address=b""),
            id="family 0",
        ),
    ],
)
def test_edns(options: bytes, expected: ClientSubnet | None) -> None:
    """Payload, DO, and of the options the client subnet; the rest is ignored."""
    query = read(header(1, 0, 0, 1) + QUESTION + opt(options))
    assert query.edns == Edns(version=0, payload=4096, dnssec_ok=True, subnet=expected)


def test_a_later_edns_version_is_not_read_further() -> None:
    """Of version 1 we do not know what options look like."""
    head = OPT[:6] + b"\x01" + OPT[7:]
    query = read(header(1, 0, 0, 1) + QUESTION + opt(b"\xff", head=head))
    assert query.edns is not None
    assert query.edns.version == 1


def test_other_records_are_stepped_over() -> None:
    """Records of other sections, with whatever names and data, do not matter."""
    record = b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x00\x00\x03abc"
    other = NAME + b"\x00\xff\x00\xff\x00\x00\x00\x00\x00\x00"
    query = read(header(1, 1, 1, 2) + QUESTION + record + other + other + opt())
    assert query.edns is not None


ECS_FAULTS = {
    "too long for its prefix": b"\x00\x01\x18\x00\xc0\x00\x02\x00",
    "too short for its prefix": b"\x00\x01\x18\x00\xc0\x00",
    "more bits than the family has": b"\x00\x01\x21\x00\xc0\x00\x02\x00\x00",
    "unknown family": b"\x00\x03\x00\x00",
    "family 0 with an address": b"\x00\x00\x08\x00\x0a",
    "spare bits": b"\x00\x01\x14\x00\x0a\x01\xf1",
    "scope in a query": b"\x00\x01\x18\x18\xc0\x00\x02",
    "no head": b"\x00\x01\x18",
}


@pytest.mark.parametrize(
    ("wire", "reason", "saw_opt"),
    [
        pytest.param(header(0, 0, 0, 0), "0 questions", False, id="no question"),
        pytest.param(header(2, 0, 0, 0) + QUESTION * 2, "2 questions", False, id="two"),
        pytest.param(header(1, 0, 0, 0), "FormError", False, id="question missing"),
        pytest.param(header(1, 0, 0, 0) + QUESTION[:-1], "FormError", False, id="cut short"),
        pytest.param(header(1, 0, 0, 0) + QUESTION + b"x", "trailing", False, id="junk behind"),
        pytest.param(
            header(1, 0, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01", "Decompression", False, id="pointer"
        ),
        pytest.param(
            header(1, 0, 0, 0) + b"\x80\x00\x00\x01\x00\x01", "BadLabelType", False, id="label"
        ),
        pytest.param(
            header(1, 0, 0, 0) + b"\x3f" * 64 * 5 + b"\x00" * 60, "Name", False, id="long name"
        ),
        pytest.param(header(1, 0, 0, 1) + QUESTION, "FormError", False, id="record missing"),
        pytest.param(
            header(1, 0, 0, 1) + QUESTION + b"\x40\x00", "label type", False, id="owner's label"
        ),
        pytest.param(header(1, 0, 0, 2) + QUESTION + opt() * 2, "more than one OPT", True, id="2"),
        pytest.param(
            header(1, 0, 0, 1) + QUESTION + opt(head=b"\x01x" + OPT), "not at the root", True,
            id="OPT with a name",
        ),
        pytest.param(
            header(1, 0, 0, 1) + QUESTION + opt(b"\x00\x0a\x00\x08abc"), "OPT", True, id="option"
        ),
        pytest.param(
            header(1, 0, 0, 1) + QUESTION + opt(option(8, b"\0\1\0\0") * 2), "more than one client",
            True, id="two subnets",
        ),
        pytest.param(
            header(1, 0, 0, 0) + QUESTION + bytes(MAX_QUERY_BYTES), "expected at most 4096", False,
            id="huge",
        ),
        *(
            pytest.param(
                header(1, 0, 0, 1) + QUESTION + opt(option(8, value)), "subnet|OPT", True,
                id=f"ECS: {fault}",
            )
            for fault, value in ECS_FAULTS.items()
        ),
    ],
)  # fmt: skip
def test_malformed(wire: bytes, reason: str, saw_opt: bool) -> None:
    """Each way to be no query is told apart, and remembers whether EDNS was spoken."""
    with pytest.raises(MalformedQueryError, match=reason) as caught:
        read(wire)
    assert caught.value.saw_opt == saw_opt


def test_every_beginning_of_a_query_is_malformed_or_short() -> None:
    """A query cut anywhere is refused, never misread."""
    wire = header(1, 0, 0, 1) + QUESTION + opt(option(8, b"\x00\x01\x18\x00\xc0\x00\x02"))
    for length in range(len(wire)):
        head = read_header(wire[:length])
        if head is None:
            assert length < 12
            continue
        with pytest.raises(MalformedQueryError):
            read_query(head, wire[:length])
