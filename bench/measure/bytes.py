"""bytes: what crosses the middle mile for one page, by the case it is asked for in.

Of each page somebody asks whom the shop does not know, the first one through this edge (`first`).
Three visitors get theirs; then a fourth one does (`personalised`), asks again when the page has
changed (`base`), and once more when it has not (`repeat`). Whoever has a copy asks whether it still
holds, as browsers do.

Beside the servers stand encodings: what the body alone would take, without any head, made of the
origin's uncoded body. The base of `zstd-base` is what was delivered last under the same URL, to
whomever; the first one has none. Nothing is timed, all numbers are exact.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random

from bench import encodings, midmile
from bench.certificate import certify
from bench.contestant import Contestant
from bench.crossing import Tally
from bench.errors import LoadError, SpoiltError
from bench.form import Sample
from bench.load.reader import Reader
from bench.metric import Metric
from bench.peers import nginx
from bench.place import HOST, Place
from deploy.layout import STATE, node_home
from origin.aio.site.catalogue import PRODUCTS
from origin.aio.site.releases.release import Release, write_release

PROGRAMS = ("nginx",)
_COPIES = 10
"""Pages of a kind, each of which is visited once."""
_SPARE = 2
"""Visits that may be repeated because prices changed meanwhile."""
_MINUTE_S = 60
"""The shop's prices change with each minute of the clock."""
_VISIT_S = 20
"""A visit takes a third of it: logs are written once a second."""
_PATIENCE_S = 10.0
_POLL_S = 0.02
_SEED = 4
_NAMES = ("Ada", "Berit", "Chidi", "Dolores", "Emre", "Fatima", "Giovanni", "Hanneke")
_WARM = "/healthz"
"""Never cached, so that the connections between the hops are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Pages that are visited in the same way."""

    name: str
    """As results call it."""
    paths: Callable[[], Iterator[str]]
    """Of pages of this kind, none twice."""
    cases: frozenset[str]
    """Those that say something; the requests of the others are made all the same."""
    released: bool = False
    """It changes with the shop's releases, and has prices."""
    varying: re.Pattern[bytes] | None = None
    """What is another one in each answer."""

    def settled(self, body: bytes) -> bytes:
        """What all servers must deliver alike."""
        return body if self.varying is None else self.varying.sub(b"", body, count=1)


_KINDS = (
    _Kind(
        name="product",
        paths=lambda: (
            f"/product/{each.slug}" for each in Random(_SEED).sample(PRODUCTS, len(PRODUCTS))
        ),
        cases=frozenset({"first", "personalised", "base", "repeat"}),
        released=True,
    ),
    _Kind(
        name="me-20KB",  # releases do not change it
        paths=lambda: (f"/me/20KB?copy={number}" for number in count()),
        cases=frozenset({"first", "personalised", "repeat"}),
    ),
    _Kind(
        name="json-20KB",  # nobody's own, and never the same twice
        paths=lambda: (f"/api/items/20KB?copy={number}" for number in count()),
        cases=frozenset({"first", "base"}),
        varying=re.compile(rb'"request": "[0-9a-f]{16}", "at": "[0-9TZ:-]{20}"'),
    ),
)


def measure(place: Place) -> list[Sample]:
    """All kinds of pages in all cases."""
    samples: list[Sample] = []
    with ExitStack() as stack:
        pair = certify(place.home, HOST)
        origin = stack.enter_context(midmile.shop(place))
        ways = [
            _Way(stack.enter_context(contestant))
            for contestant in (
                midmile.chain(place, origin.http, pair),
                nginx.chain(place, origin.http, pair),
                nginx.chain(place, origin.http, pair, nginx.Compression.USERS),
            )
        ]
        shop = _Shop(origin, node_home(place.home / "shop" / "midmile" / STATE, "origin"))
        for kind in _KINDS:
            visits = _Visits(place, kind, shop, ways)
            for number in range(copies := 1 if place.smoke else _COPIES):
                samples += visits.sound()
                place.say(f"{kind.name} {number + 1}/{copies}")
    return samples


class _Way:
    """A contestant, its users and its log."""

    def __init__(self, contestant: Contestant) -> None:
        if contestant.crossings is None:
            raise AssertionError("it logs what crosses")
        self.name = contestant.name
        self._tally = Tally(contestant.crossings)
        self._reader = Reader(contestant.name, contestant.http)
        self.read(_WARM, [None])
        self.crossed_bytes(1)

    def read(self, path: str, cookies: Sequence[str | None]) -> bytes:
        """Have visitors read a page; what the last one sees."""
        self._tally.reset()
        for cookie in cookies:
            seen = self._reader.read(path, cookie)
        return seen

    def crossed_bytes(self, requests: int) -> int:
        """What crossed for the last reading, which was so many requests."""
        _until(lambda: self._tally.requests() >= requests, f"{self.name} to log what crossed")
        return self._tally.so_far().text_bytes


class _Shop:
    """The origin, which releases are brought out on."""

    def __init__(self, origin: Contestant, home: Path) -> None:
        self._reader = Reader("the origin", origin.http, encodings="identity")
        self._home = home
        self._number = 0

    def body(self, path: str, cookie: str | None) -> bytes:
        """The uncoded body that a visitor is to see."""
        return self._reader.read(path, cookie)

    def bring_out(self, path: str, cookie: str) -> None:
        """Another release; a page of the one before has been replaced when this returns."""
        before = self.body(path, cookie)
        self._number += 1
        write_release(self._home, Release(number=self._number))
        _until(
            lambda: self.body(path, cookie) != before, f"the shop to show release {self._number}"
        )


class _Visits:
    """Those of one kind of pages."""

    def __init__(
        self,
        place: Place,
        kind: _Kind,
        shop: _Shop,
        ways: Sequence[_Way],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is the shop's: Unix seconds."""
        self._place, self._clock = place, clock
        self._kind, self._shop, self._ways = kind, shop, ways
        self._paths = kind.paths()
        self._visitors = _visitors()

    def sound(self) -> list[Sample]:
        """A visit of the next page, without a change of prices.

        Raises:
            LoadError: a contestant delivered something else than the origin, or logged nothing.
            SpoiltError: prices changed during each of some visits.
        """
        if not self._kind.released:
            return [*self._visit(next(self._paths))]
        for path in islice(self._paths, 1 + _SPARE):
            self._await_room()
            minute = self._minute()
            try:
                samples = [*self._visit(path)]
            except LoadError:  # also where prices changed between the origin's answer and others
                if self._minute() == minute:
                    raise
            else:
                if self._minute() == minute:
                    return samples
            self._place.say(f"{path}: the shop's prices changed meanwhile; another page instead")
        raise SpoiltError("visits take so long that the shop's prices change during each")

    def _visit(self, path: str) -> Iterator[Sample]:
        *others, own = islice(self._visitors, 4)
        base = None
        for case, cookies in (
            ("first", [None]),
            ("others", others),
            ("personalised", [own]),
            ("base", [own]),
            ("repeat", [own]),
        ):
            if case == "base" and self._kind.released:
                self._shop.bring_out(path, own)
            body, crossed = self._read(path, cookies)
            if case in self._kind.cases:
                values = {**crossed, **encodings.sizes(body, base)}
                yield from _samples(f"{case}/{self._kind.name}", values.items())
            base = body

    def _read(self, path: str, cookies: Sequence[str | None]) -> tuple[bytes, dict[str, int]]:
        """What the last visitor is to see, and what crossed for all of them on each way."""
        body = self._shop.body(path, cookies[-1])
        for way in self._ways:
            if self._kind.settled(way.read(path, cookies)) != self._kind.settled(body):
                raise LoadError(f"{way.name} delivered another {path} than the origin")
        return body, {way.name: way.crossed_bytes(len(cookies)) for way in self._ways}

    def _minute(self) -> int:
        return int(self._clock()) // _MINUTE_S

    def _await_room(self) -> None:
        """Begin a new minute if there is little left of this one."""
        left_s = _MINUTE_S - self._clock() % _MINUTE_S
        if left_s < _VISIT_S:
            self._place.say(f"{left_s:.0f} s until the shop's next prices")
            time.sleep(left_s)


def _visitors() -> Iterator[str]:
    """Cookies of people who have signed in and put two things into the cart, nobody's twice."""
    rng = Random(_SEED)
    while True:
        cart = ".".join(f"{each.number}x{rng.randint(1, 3)}" for each in rng.sample(PRODUCTS, 2))
        name = rng.choice(_NAMES)
        yield f"sid={rng.randbytes(16).hex()}; visitor={name}; cart={cart}"


def _samples(case: str, values: Iterable[tuple[str, float | None]]) -> Iterator[Sample]:
    for name, value in values:
        yield Sample(case=case, metric=Metric.MIDDLE_MILE_TEXT_BYTES, contestant=name, value=value)


def _until(happened: Callable[[], bool], what: str) -> None:
    """Wait, but not for ever.

    Raises:
        LoadError: it did not happen.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while not happened():
        if time.monotonic() > deadline:
            raise LoadError(f"waited in vain for {what}")
        time.sleep(_POLL_S)
