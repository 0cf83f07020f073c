"""Each peer is what results take it for: a wrong configuration would make our numbers lies."""

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from pathlib import Path

import dns.edns
import dns.message
import dns.query
import dns.rdatatype
import pytest

from bench import midmile
from bench.certificate import Pair, certify
from bench.contestant import Contestant
from bench.load import keepalive
from bench.peers import gdnsd, knot, nginx, trafficserver, varnish
from bench.peers.fleet import WESTS
from bench.place import HOST, Address, Place
from bench.processes import ready
from tests.kit.benching import CountingOrigin, need_programs, small_place

pytestmark = pytest.mark.system

_Start = Callable[[Place, Address, Pair], AbstractContextManager[Contestant]]
_CACHES: dict[str, tuple[tuple[str, ...], _Start]] = {
    "midmile": ((), lambda place, origin, _pair: midmile.delivery(place, origin)),
    "nginx": (("nginx",), nginx.edge),
    "nginx-chain": (("nginx",), nginx.chain),
    "varnish": (("varnishd", "cc"), lambda place, origin, _pair: varnish.edge(place, origin)),
    "trafficserver": (("traffic_server",), trafficserver.edge),
}
_LOGS = {
    "midmile": "midmile/edge.log",
    "nginx": "nginx/access.log",
    "nginx-chain": "nginx-edge/access.log",
    "varnish": "varnish/access.log",
    "trafficserver": "trafficserver/log/access.log",
}
_BROWSER = {"Host": HOST, "User-Agent": "a browser", "Cookie": "visitor=1", "Accept": "*/*"}


@pytest.mark.parametrize("name", _CACHES)
def test_a_cache_serves_hits_and_logs_them(name: str) -> None:
    """A second visitor, with other cookies, costs the origin nothing; nor do ranges, HEAD, 304."""
    programs, start = _CACHES[name]
    need_programs(*programs)
    with small_place() as place, CountingOrigin() as origin:
        pair = certify(place.home, HOST)
        with start(place, origin.address, pair) as contestant:
            for visitor in range(5):
                fields = {**_BROWSER, "Cookie": f"visitor={visitor}"}
                assert _ask(contestant.http, "/objects/1KB", **fields) == (200, 1024)
            if name != "nginx-chain":  # what it keeps compressed it serves as a whole
                part = _ask(contestant.http, "/objects/1KB", **_BROWSER, Range="bytes=256-511")
                assert part == (206, 256)
            valid = _ask(contestant.http, "/objects/1KB", **_BROWSER, **{"If-None-Match": '"one"'})
            assert valid == (304, 0)
            keepalive.fetch_all(contestant.http, ["/objects/1KB"] * 20, method="HEAD")
            if contestant.https is not None:
                _handshake(contestant.https)
            _wait_for_log(place, contestant, name)
        assert origin.asked.count("/objects/1KB") == 1


def test_the_origin_serves_what_cases_ask_for() -> None:
    """Bodies of exactly their size that may be kept; one that may not, and never is the same."""
    need_programs("nginx")
    with small_place() as place, nginx.origin(place) as origin:
        for path, size in (("1KB", 1024), ("10KB", 10_240), ("1MB", 1 << 20)):
            assert _ask(origin.http, f"/objects/{path}?any=query") == (200, size)
        first, second = (_body(origin.http, "/objects/8KB-uncacheable") for _ in range(2))
        assert len(first) == len(second) == 8192
        assert first[:32] != second[:32]
        assert first[33:] == second[33:]


@pytest.mark.parametrize("compression", nginx.Compression)
def test_nginx_compresses_where_the_contestants_name_says(compression: nginx.Compression) -> None:
    """Between the hops, for users, or nowhere; whoever takes no gzip gets the plain text."""
    need_programs("nginx")
    path = "/objects/8KB-uncacheable"
    with small_place() as place, nginx.origin(place) as origin:
        pair = certify(place.home, HOST)
        with nginx.chain(place, origin.http, pair, compression) as contestant:
            assert len(_body(contestant.http, path)) == 8192
            taken = len(_body(contestant.http, path, **{"Accept-Encoding": "gzip"}))
            log = place.folder(f"{contestant.name}-parent") / "access.log"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert (taken < 5_000) is (compression is not nginx.Compression.NOWHERE)
    between = compression is nginx.Compression.EVERYWHERE
    assert [line["response_bytes"] < 5_500 for line in lines] == [between, between]


_SERVERS = {
    "midmile": ((), midmile.mapper),
    "gdnsd": (("gdnsd",), gdnsd.server),
    "knot": (("knotd",), knot.server),
}


@pytest.mark.parametrize("name", _SERVERS)
def test_a_dns_server_answers_two_addresses_of_the_fleet(name: str) -> None:
    """With and without a client subnet, from the first query on."""
    programs, start = _SERVERS[name]
    need_programs(*programs)
    with small_place() as place, start(place) as contestant:
        for subnet in (None, "10.1.2.0", "10.200.2.0"):
            assert len(_addresses(contestant.http, subnet)) == 2


@pytest.mark.parametrize("name", _SERVERS)
def test_a_dns_server_chooses_by_the_clients_subnet(name: str) -> None:
    """Two edges of its region; midmile's east has a third, which serves the other benches."""
    programs, start = _SERVERS[name]
    need_programs(*programs)
    with small_place() as place, start(place) as contestant:
        assert _addresses(contestant.http, "10.1.2.0").isdisjoint(WESTS)
        assert _addresses(contestant.http, "10.200.2.0") == set(WESTS)


def _wait_for_log(place: Place, contestant: Contestant, name: str) -> None:
    """Until its access log tells of three requests as midmile's does, with type and sizes."""
    file = place.home / _LOGS[name]

    def logged() -> bool:  # varnishncsa needs a moment before it sees requests at all
        _ask(contestant.http, "/objects/1KB?logged", **_BROWSER)
        return file.exists() and file.read_text().count("/objects/1KB?logged") >= 3

    ready(logged, f"the log of {name}", contestant.pids[0], file)
    whole = file.read_text().rpartition("\n")[0].splitlines()
    for record in (json.loads(line) for line in whole if "/objects/1KB?logged" in line):
        assert record["type"].startswith("text/plain")
        assert 1024 <= record["body_bytes"] < 1060 < record["response_bytes"]  # maybe in chunks


def _addresses(where: Address, subnet: str | None) -> set[str]:
    options: list[dns.edns.Option] = [dns.edns.ECSOption(subnet, 24)] if subnet else []
    query = dns.message.make_query(HOST, "A", use_edns=0, options=options)
    answer = dns.query.udp(query, where[0], port=where[1], timeout=5)
    (records,) = (found for found in answer.answer if found.rdtype == dns.rdatatype.A)
    return {record.to_text() for record in records}


def _ask(where: Address, path: str, **fields: str) -> tuple[int, int]:
    """Status and length of the body."""
    status, body = _answer(where, path, fields)
    return status, len(body)


def _body(where: Address, path: str, **fields: str) -> bytes:
    return _answer(where, path, fields)[1]


def _answer(where: Address, path: str, fields: Mapping[str, str]) -> tuple[int, bytes]:
    connection = HTTPConnection(*where, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": HOST, **fields})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _handshake(where: Address) -> None:
    """TLS 1.3, with whatever certificate, as load tools take it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(where, timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as encrypted,
    ):
        assert encrypted.version() == "TLSv1.3"


def test_a_certificate_is_its_own_authority(tmp_path: Path) -> None:
    """So that one file is what both hops of nginx trust."""
    pair = certify(tmp_path, HOST)
    context = ssl.create_default_context(cafile=pair.certificate)
    context.load_cert_chain(pair.certificate, pair.key)
    assert context.cert_store_stats()["x509_ca"] == 1
