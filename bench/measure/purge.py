"""purge: how long until no node of a network serves what an operator wants gone."""

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import midmile
from bench.errors import LoadError
from bench.form import Sample
from bench.load import keepalive
from bench.metric import Metric
from bench.midmile import Fleet
from bench.peers import nginx
from bench.place import HOST, Address, Place

PROGRAMS = ("nginx",)
_TAGS = 10
"""Each is on one object in so many."""
_LOOKS = 20
"""Objects that are asked for at each edge after a purge."""
_PATIENCE_S = 30.0

_Wanted = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    edges: int
    objects: int
    """At each edge; all have the same."""
    rounds: int


_FULL = _Scale(edges=10, objects=100_000, rounds=5)
_SMOKE = _Scale(edges=2, objects=1_000, rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Something to purge, and the numbers of objects by which it can be seen."""

    name: str
    wanted: _Wanted
    gone: Sequence[int] = ()
    left: Sequence[int] = ()


def measure(place: Place) -> list[Sample]:
    """One network; what is purged once is not there for the next, so each round takes its own."""
    scale = _SMOKE if place.smoke else _FULL
    with (
        nginx.origin(place) as origin,
        midmile.fleet(place, origin.http, scale.edges) as fleet,
    ):
        _fill(place, scale, fleet)
        return [
            Sample(
                case=case.name,
                metric=Metric.PURGE_MS,
                contestant="midmile",
                value=_timed(place, fleet, case),
            )
            for case in _cases(scale)
        ]


def _path(number: int) -> str:
    return f"/objects/1KB?object={number:06}&tag=t{number % _TAGS}"


def _fill(place: Place, scale: _Scale, fleet: Fleet) -> None:
    for edge, where in enumerate(fleet.edges, 1):
        keepalive.fetch_all(where, map(_path, range(scale.objects)))
        place.say(f"{edge} of {scale.edges} edges have {scale.objects:,} objects each")


def _cases(scale: _Scale) -> Iterator[_Case]:
    last = scale.objects - 1
    for turn in range(scale.rounds):
        url, base = f"http://{HOST}{_path(turn)}", f"http://{HOST}/objects/1KB"
        yield _Case(name="url", wanted={"url": url}, gone=[turn], left=[last])
        # A hundred objects that nothing else concerns.
        begin = 100 * (turn + 1)
        yield _Case(
            name="prefix",
            wanted={"prefix": f"{base}?object={begin // 100:04}"},
            gone=range(begin, min(begin + 100, scale.objects)),
            left=[last],
        )
        tagged = range(turn, scale.objects, _TAGS)
        yield _Case(
            name="tag",
            wanted={"tag": f"t{turn}", "site": "shop"},
            gone=tagged[:: max(1, len(tagged) // _LOOKS)],
            left=[last],
        )
        # Concerns every object each time, for it leaves them there.
        yield _Case(name="site-soft", wanted={"site": "shop", "soft": True})
    yield _Case(name="site", wanted={"site": "shop"}, gone=range(0, scale.objects, last // _LOOKS))


def _timed(place: Place, fleet: Fleet, case: _Case) -> float:
    """From the request to the answer that all have done it, in ms; which is then looked at."""
    began_s = time.perf_counter()
    answer = _purged(fleet, case.wanted)
    value = 1e3 * (time.perf_counter() - began_s)
    if answer.get("missing") != {}:
        raise LoadError(f"{case.name}: not all have done it: {answer}")
    for where in fleet.edges:
        for number in case.gone[:_LOOKS]:
            _expect(where, number, http.HTTPStatus.GATEWAY_TIMEOUT)
        for number in case.left:
            _expect(where, number, http.HTTPStatus.OK)
    place.say(f"{case.name}: {value:.1f} ms")
    return value


def _purged(fleet: Fleet, wanted: _Wanted) -> Mapping[str, object]:
    connection = http.client.HTTPConnection(*fleet.admin, timeout=_PATIENCE_S)
    try:
        fields = {"Authorization": f"Bearer {fleet.token}"}
        connection.request("POST", "/purge", json.dumps(wanted), fields)
        with connection.getresponse() as response:
            said: Mapping[str, object] = json.loads(response.read())
    finally:
        connection.close()
    return said


def _expect(where: Address, number: int, status: int) -> None:
    """Whether the edge has an object, which it is not to fetch (RFC 9111 5.2.1.7)."""
    connection = http.client.HTTPConnection(*where, timeout=_PATIENCE_S)
    try:
        asked = {"Host": HOST, "Cache-Control": "only-if-cached, max-stale"}
        connection.request("GET", _path(number), headers=asked)
        with connection.getresponse() as response:
            response.read()
            if response.status != status:
                raise LoadError(f"{_path(number)} at {where}: {response.status}, not {status}")
    finally:
        connection.close()
