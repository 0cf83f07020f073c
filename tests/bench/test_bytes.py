"""`bytes`: which requests are counted for which case, and which answers end the measurement."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, islice
from pathlib import Path

import pytest

from bench.contestant import Contestant
from bench.errors import LoadError, SpoiltError
from bench.form import merge
from bench.measure import bytes as measurement
from bench.measure.bytes import _KINDS, _Kind, _Shop, _visitors, _Visits, _Way
from bench.place import Place
from origin.aio.site.objects import items_json
from origin.aio.site.releases.release import read_release

_CASES = frozenset({"first", "personalised", "base", "repeat"})
_MINE = _Kind(name="mine", paths=lambda: (f"/{n}" for n in count()), cases=_CASES)
_RELEASED = _Kind(name="news", paths=_MINE.paths, cases=_CASES, released=True)

_UNLOGGED = "/unlogged"

Answer = Callable[[str, str], bytes]
"""By path and cookie."""


class _Server(ThreadingHTTPServer):
    """A site whose access log has bytes of the body and 100 for the heads."""

    def __init__(self, log: Path, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.log = log
        self.log.touch()

    @property
    def contestant(self) -> Contestant:
        """As results call it."""
        address = ("127.0.0.1", self.server_address[1])
        return Contestant(name=self.log.stem, pids=(), http=address, crossings=self.log)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        body = self.server.answer(self.path, self.headers.get("Cookie", ""))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
        if self.path == _UNLOGGED:
            return
        sizes = {"request_bytes": 60, "response_bytes": 40 + len(body), "body_bytes": len(body)}
        with self.server.log.open("a") as log:
            log.write(json.dumps(sizes) + "\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(log: Path, answer: Answer) -> Iterator[Contestant]:
    with _Server(log, answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.contestant
        finally:
            server.shutdown()
            thread.join()


class _Bench:
    """An origin whose pages tell the release and the visitor, and ways to it."""

    def __init__(self, stack: ExitStack, home: Path) -> None:
        self._stack, self._home = stack, home
        self._place = Place(home=home, smoke=True, quiet=True)
        origin = stack.enter_context(_serving(home / "origin.log", self.page))
        self._shop = _Shop(origin, home)

    def page(self, path: str, cookie: str) -> bytes:
        """What everybody should see."""
        return f"release {read_release(self._home).number} of {path} for {cookie}".encode()

    def way(self, name: str, answer: Answer) -> _Way:
        """One that answers so."""
        return _Way(self._stack.enter_context(_serving(self._home / f"{name}.log", answer)))

    def visits(self, kind: _Kind, clock: Callable[[], float], *ways: _Way) -> _Visits:
        """Those of a kind of pages."""
        return _Visits(self._place, kind, self._shop, ways, clock)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    """With an origin that serves."""
    with ExitStack() as stack:
        yield _Bench(stack, tmp_path)


def test_each_case_is_one_request(bench: _Bench) -> None:
    """Those of the three others are not counted; without a release before it there is no base."""
    way = bench.way("nginx", bench.page)
    rows = merge(bench.visits(_MINE, lambda: 0.0, way).sound())
    assert [row.case for row in rows] == [
        "first/mine",
        "personalised/mine",
        "base/mine",
        "repeat/mine",
    ]
    assert list(rows[0].values) == ["nginx", "identity", "gzip", "brotli", "zstd", "zstd-base"]
    stranger = len(bench.page("/0", ""))
    own = len(bench.page("/0", [*islice(_visitors(), 4)][-1]))
    for row, size in zip(rows, (stranger, own, own, own), strict=True):
        assert row.values["identity"] == size
        assert row.values["nginx"] == 100 + size
    assert [row.values["zstd-base"] is None for row in rows] == [True, False, False, False]


def test_the_page_changes_with_a_release(bench: _Bench, tmp_path: Path) -> None:
    """One for each visit, which is the next page's."""
    visits = bench.visits(_RELEASED, lambda: 0.0, bench.way("nginx", bench.page))
    for number in (1, 2):
        assert len(visits.sound()) == 4 * 6
        assert read_release(tmp_path).number == number


@pytest.mark.parametrize("wrong", [b"", b"release 0 of another page"])
def test_other_bytes_end_a_measurement(bench: _Bench, wrong: bytes) -> None:
    """There are no numbers of a contestant that saves bytes by leaving some out."""
    ways = bench.way("nginx", bench.page), bench.way("midmile", lambda *_: wrong)
    with pytest.raises(LoadError, match="midmile delivered another /0 than the origin"):
        bench.visits(_MINE, lambda: 0.0, *ways).sound()


def test_what_is_not_logged_is_no_zero(bench: _Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and then said who logged nothing."""
    way = bench.way("nginx", bench.page)
    monkeypatch.setattr(measurement, "_PATIENCE_S", 0.05)
    unlogged = _Kind(name="mine", paths=lambda: iter([_UNLOGGED]), cases=_CASES)
    with pytest.raises(LoadError, match="waited in vain for nginx to log what crossed"):
        bench.visits(unlogged, lambda: 0.0, way).sound()


@pytest.mark.parametrize("seen", [True, False])
def test_a_visit_in_two_minutes_is_repeated(bench: _Bench, *, seen: bool) -> None:
    """With the next page, since this one was asked for already; also where it saw two prices."""
    clock = iter([0.0, 0.0, 60.0, 60.0, 60.0, 60.0])

    def answer(path: str, cookie: str) -> bytes:
        return b"another price" if seen and path == "/0" else bench.page(path, cookie)

    samples = bench.visits(_RELEASED, lambda: next(clock), bench.way("nginx", answer)).sound()
    assert len(samples) == 4 * 6
    assert next(clock, None) is None
    own = [*islice(_visitors(), 8)][-1]
    identity = [sample.value for sample in samples if sample.contestant == "identity"]
    assert identity[1] == len(bench.page("/1", own))


def test_another_price_in_the_same_minute_is_wrong(bench: _Bench) -> None:
    """Nothing explains it."""
    way = bench.way("nginx", lambda *_: b"another price")
    with pytest.raises(LoadError, match="delivered another"):
        bench.visits(_RELEASED, lambda: 0.0, way).sound()


def test_visits_that_always_take_too_long_are_given_up(bench: _Bench) -> None:
    """On a machine that is too busy for any."""
    way = bench.way("nginx", bench.page)
    clock = (60.0 * ((tick + 1) // 3) for tick in count())  # read thrice a visit
    with pytest.raises(SpoiltError, match="prices change"):
        bench.visits(_RELEASED, lambda: next(clock), way).sound()


def test_json_is_compared_but_for_what_varies() -> None:
    """The token and the time of an answer, and nothing else."""
    kind = next(kind for kind in _KINDS if kind.varying)
    make = items_json(20 * 1024)
    one = make("0123456789abcdef", "2026-11-22T16:37:12Z")
    other = make("fedcba9876543210", "2026-11-22T16:38:00Z")
    assert one != other
    assert kind.settled(one) == kind.settled(other)
    assert kind.settled(one) != kind.settled(other.replace(b'"stock": 1', b'"stock": 2', 1))
    assert kind.settled(b"{}") == b"{}"


def test_no_page_and_no_visitor_comes_twice() -> None:
    """Each is new to every cache."""
    for kind in _KINDS:
        paths = [*islice(kind.paths(), 20)]
        assert len({*paths}) == 20
    visitors = [*islice(_visitors(), 200)]
    assert len({*visitors}) == 200
    assert all(visitor.startswith("sid=") for visitor in visitors)
