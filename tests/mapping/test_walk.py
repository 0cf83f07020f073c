import dns.message
import dns.name
import pytest

from mapping.walk import Record, Step, StepKind, classify, format_step, glue_of

NAME = dns.name.from_text("shop.cdn.test")
ROOT = dns.name.root
ZONE = dns.name.from_text("cdn.test")


def response(rcode: str, flags: str, *sections: str) -> dns.message.Message:
    """A message from dnspython's text form; `sections` are `SECTION record` lines."""
    lines = [f"id 1\nopcode QUERY\nrcode {rcode}\nflags {flags}\n;QUESTION\n{NAME} IN A"]
    for section in sections:
        title, _, record = section.partition(" ")
        lines.append(f";{title}\n{record}")
    return dns.message.from_text("\n".join(lines))


DOWN = "AUTHORITY shop.cdn.test. 1800 IN NS low.ns.cdn.test."
GLUE = "ADDITIONAL low.ns.cdn.test. 1800 IN A 10.0.0.1"


@pytest.mark.parametrize(
    ("message", "zone", "kind"),
    [
        pytest.param(
            response("NOERROR", "QR AA", "ANSWER shop.cdn.test. 20 IN A 10.0.0.9"), ZONE,
            StepKind.ANSWER, id="answer",
        ),
        pytest.param(response("NOERROR", "QR AA"), ZONE, StepKind.NODATA, id="nodata"),
        pytest.param(response("NXDOMAIN", "QR AA"), ZONE, StepKind.NXDOMAIN, id="nxdomain"),
        pytest.param(
            response("NXDOMAIN", "QR"), ZONE, StepKind.FAILED, id="a denial without authority"
        ),
        pytest.param(response("NOERROR", "QR", DOWN, GLUE), ROOT, StepKind.REFERRAL, id="down"),
        pytest.param(response("NOERROR", "QR", DOWN), NAME, StepKind.LAME, id="to where we are"),
        pytest.param(
            response("NOERROR", "QR", "AUTHORITY test. 9 IN NS a.test."), ZONE, StepKind.LAME,
            id="upwards",
        ),
        pytest.param(
            response("NOERROR", "QR", "AUTHORITY x.cdn.test. 9 IN NS a.test."), ZONE,
            StepKind.LAME, id="sideways",
        ),
        pytest.param(
            response("NOERROR", "QR", "ANSWER shop.cdn.test. 20 IN A 10.0.0.9"), ZONE,
            StepKind.LAME, id="an answer from a cache",
        ),
        pytest.param(response("REFUSED", "QR"), ZONE, StepKind.FAILED, id="refused"),
        pytest.param(response("SERVFAIL", "QR AA"), ZONE, StepKind.FAILED, id="servfail"),
    ],
)  # fmt: skip
def test_what_a_response_means(
    message: dns.message.Message, zone: dns.name.Name, kind: StepKind
) -> None:
    """Only authority ends a walk, and only a referral downwards leads on."""
    assert classify(message, NAME, zone) is kind


def test_glue_is_for_the_servers_named() -> None:
    """Addresses of servers that the referral does not name are not followed."""
    message = response("NOERROR", "QR", DOWN, GLUE, "ADDITIONAL evil.test. 9 IN A 10.6.6.6")
    assert glue_of(message, message.authority[0]) == (("low.ns.cdn.test.", "10.0.0.1"),)


def test_a_step_as_text() -> None:
    """Who was asked, what came of it, and the records in columns."""
    step = Step(
        server="low.ns.cdn.test.",
        address="2001:db8::1",
        port=5300,
        transport="udp",
        question="shop.cdn.test. A",
        kind=StepKind.ANSWER,
        took_ms=1.25,
        rcode="NOERROR",
        records=(Record(owner="shop.cdn.test.", ttl_s=20, rdtype="A", value="10.0.0.9"),),
    )
    assert format_step(2, step) == [
        "2. shop.cdn.test. A -> low.ns.cdn.test. ([2001:db8::1]:5300, udp)",
        "   NOERROR answer in 1.2 ms",
        "   shop.cdn.test.     20 A     10.0.0.9",
    ]
