"""What DevTools tells of a page's requests is read as it is meant."""

from typing import Any

import pytest

from bench.load.traffic import Traffic

_STORY = tuple[str, dict[str, Any]]


def _sent(url: str, kind: str = "Image", **more: Any) -> _STORY:
    return "requestWillBeSent", {"request": {"url": url}, "type": kind, **more}


def _response(status: int = 200, **more: Any) -> dict[str, Any]:
    return {"status": status, "protocol": "h2", "encodedDataLength": 100, **more}


def _answered(status: int = 200, **more: Any) -> _STORY:
    return "responseReceived", {"response": _response(status, **more)}


def _finished(size_bytes: int) -> _STORY:
    return "loadingFinished", {"encodedDataLength": size_bytes}


def _failed(why: str) -> _STORY:
    return "loadingFailed", {"errorText": why}


def _told(*story: _STORY) -> Traffic:
    """All of one request, or of one id that several share."""
    traffic = Traffic()
    for name, event in story:
        traffic.feed(f"Network.{name}", {"requestId": "1", **event})
    return traffic


def test_an_object_from_the_network_has_its_size_on_the_wire() -> None:
    """Its head and its body as it came, not as it was unpacked."""
    traffic = _told(_sent("https://a/x.png"), _answered(), _finished(700))
    (fetched,) = traffic.fetched
    assert (fetched.kind, fetched.status, fetched.protocol) == ("Image", 200, "h2")
    assert (fetched.from_cache, fetched.transferred_bytes) == (False, 700)
    assert traffic.is_quiet
    assert not traffic.failures


@pytest.mark.parametrize(
    "story",
    [
        (("requestServedFromCache", {}), _answered(encodedDataLength=3202), _finished(0)),
        (_answered(fromDiskCache=True, encodedDataLength=0), _finished(0)),
    ],
    ids=["memory", "disk"],
)
def test_an_object_from_the_cache_took_nothing(story: tuple[_STORY, ...]) -> None:
    """Wherever Chromium kept it; from memory it tells the size that it once had."""
    (fetched,) = _told(_sent("https://a/x.css"), *story).fetched
    assert fetched.from_cache
    assert fetched.transferred_bytes == 0


def test_redirects_are_requests_too() -> None:
    """Each of them goes to a server and comes back."""
    traffic = _told(
        _sent("https://a/old"),
        _sent("https://a/new", redirectResponse=_response(301)),
        _answered(),
        _finished(700),
    )
    assert [(each.url, each.status, each.transferred_bytes) for each in traffic.fetched] == [
        ("https://a/old", 301, 100),
        ("https://a/new", 200, 700),
    ]


@pytest.mark.parametrize(
    ("story", "failures"),
    [
        ((_sent("https://a/x"), _answered(404), _finished(9)), ("https://a/x: answered 404",)),
        ((_sent("https://a/x"), _failed("net::ERR_FAILED")), ("https://a/x: net::ERR_FAILED",)),
        ((_sent("https://a/x"), _failed("net::ERR_ABORTED")), ("https://a/x: net::ERR_ABORTED",)),
        ((_sent("https://a/x", "Media"), _answered(206), _failed("net::ERR_ABORTED")), ()),
        ((_sent("data:,x"), _failed("net::ERR_FAILED")), ()),
        ((_failed("net::ERR_ABORTED"),), ()),
    ],
    ids=["status", "network", "aborted", "film", "no traffic", "of the page before"],
)
def test_what_did_not_come_is_a_failure(
    story: tuple[_STORY, ...], failures: tuple[str, ...]
) -> None:
    """But not a film that its player has seen enough of, nor what an earlier page wanted."""
    assert _told(*story).failures == failures


@pytest.mark.parametrize(
    ("kind", "quiet"),
    [("Image", False), ("Fetch", False), ("EventSource", True), ("Media", True)],
)
def test_only_what_will_end_is_waited_for(kind: str, quiet: bool) -> None:
    """A stream of events ends with its page; a film is fetched while it is seen."""
    assert not _told(_sent("https://a/x", kind)).is_quiet
    assert _told(_sent("https://a/x", kind), _answered()).is_quiet is quiet
