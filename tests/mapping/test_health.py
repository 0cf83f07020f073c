import pytest

from mapping.health import ProbeOutcome, health_request, judge


def test_request() -> None:
    """The probe is addressed to the node, not to a site, and asks for a short connection."""
    assert health_request("west") == (
        b"GET /.well-known/midmile/health HTTP/1.1\r\nHost: west\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", ProbeOutcome.OK),
        (b"HTTP/1.1 204\r\nA: b\r\n\r\n", ProbeOutcome.OK),
        (b"HTTP/1.0 299 \r\n\r\n", ProbeOutcome.OK),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", ProbeOutcome.STATUS),
        (b"HTTP/1.1 100 Continue\r\n\r\n", ProbeOutcome.STATUS),
        (b"HTTP/1.1 301 Moved\r\n\r\n", ProbeOutcome.STATUS),
        (b"HTTP/1.1 2000 OK\r\n\r\n", ProbeOutcome.BROKEN),
        (b"HTTP/2 200\r\n\r\n", ProbeOutcome.BROKEN),
        (b"SSH-2.0-OpenSSH\r\n\r\n", ProbeOutcome.BROKEN),
        (b"\r\n\r\n", ProbeOutcome.BROKEN),
    ],
)
def test_judgement(head: bytes, outcome: ProbeOutcome) -> None:
    """2xx is up; another status is an edge that says no; the rest is no edge."""
    assert judge(head) is outcome
