"""midmile under measurement: real nodes, each `midmile node NAME` with a network file of its own.

Not `midmile up`: its supervisor reads every node's log, which does not happen where nodes run on
machines of their own. Logs go to files, as the peers' do.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.certificate import Pair
from bench.contestant import Contestant
from bench.peers.fleet import ANSWER_TTL_S, EAST, EASTS, WEST, WESTS, ZONE
from bench.place import HOST, Address, Place, shown
from bench.processes import ready, running

_PROGRAM = Path(sys.executable).with_name("midmile")
_KEYS_S = 60
_ALL_FROM_ONE = 8_000
"""Connections of one address, for load that comes from one."""
_FIRST_EDGE = 20
"""Of a fleet, on loopback; each of its edges has an address of its own."""
_BESIDE = frozenset({"parent", "origin"})
"""Nodes beside the site's own servers; the others are near its users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """A network file and its keys; no node runs yet."""

    home: Path
    near: Place
    """Where the edge and the DNS stand."""
    beside: Place
    """Where the parent stands, and the demo shop."""
    http: Address
    https: Address
    dns: Address
    origin: Address


@contextmanager
def delivery(
    place: Place,
    upstream: Address,
    cache: str = "8GiB",
    *,
    connections_per_client: int | None = _ALL_FROM_ONE,
) -> Iterator[Contestant]:
    """An edge with one worker, and a parent; only the edge counts.

    `connections_per_client`: the edge's bound; None: its default.
    """
    grounds = prepare(place, upstream, cache, connections_per_client=connections_per_client)
    with _nodes(grounds, "parent", "edge") as (_, edge):
        yield Contestant(name="midmile", pids=(edge,), http=grounds.http, https=grounds.https)


@contextmanager
def chain(
    place: Place, upstream: Address, pair: Pair | None = None, *, beside: Place | None = None
) -> Iterator[Contestant]:
    """The same where both count; the parent stands `beside` the origin, if that is elsewhere."""
    grounds = prepare(place, upstream, pair=pair, beside=beside)
    with _nodes(grounds, "parent", "edge") as pids:
        yield Contestant(
            name="midmile",
            pids=tuple(pids),
            http=grounds.http,
            https=grounds.https,
            crossings=grounds.home / "parent.log",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A network of many edges."""

    edges: tuple[Address, ...]
    """Where each serves HTTP."""
    admin: Address
    """A parent's admin port."""
    token: str
    """What it wants of who changes something."""


@contextmanager
def fleet(place: Place, upstream: Address, edges: int, cache: str = "2GiB") -> Iterator[Fleet]:
    """Two parents and so many edges, each with one worker."""
    grounds = _grounds(place, upstream)
    serving = [place.address(_FIRST_EDGE + number) for number in range(edges)]
    admin = place.address(12)
    names = [f"edge-{number}" for number in range(edges)]
    stored = f'cache = "{cache}"'
    text = [
        _HEAD.format(zone=ZONE, admin=shown(admin), ttl=ANSWER_TTL_S),
        _site(grounds, None),
        '[[region]]\nname = "east"',
        _node("parent", "parent", stored, tunnel=place.address(3)),
        _node("parent-b", "parent", stored, tunnel=place.address(4)),
        *(
            _node(name, "edge", f'region = "east"\nworkers = 1\n{stored}', http=where)
            for name, where in zip(names, serving, strict=True)
        ),
        _node("top", "top", dns=place.address(10, udp=True)),
        _node("low", "low", 'region = "east"', dns=grounds.dns),
        "",
    ]
    _founded(grounds, "\n".join(text))
    with _nodes(grounds, "parent", "parent-b", *names):
        token = (grounds.home / "var" / "nodes" / "parent" / "admin.token").read_text().strip()
        yield Fleet(edges=tuple(serving), admin=admin, token=token)


@contextmanager
def mapper(place: Place) -> Iterator[Contestant]:
    """A low-level DNS server. No edge runs: with every edge down, all are answered."""
    grounds = prepare(place, place.address(9))
    with _nodes(grounds, "low") as (low,):
        yield Contestant(name="midmile", pids=(low,), http=grounds.dns)


@contextmanager
def shop(place: Place) -> Iterator[Contestant]:
    """The demo shop, the origin of whatever has pages."""
    grounds = prepare(place.corner("shop"), place.address(9))
    with _nodes(grounds, "origin") as pids:
        yield Contestant(name="origin", pids=tuple(pids), http=grounds.origin)


def prepare(
    place: Place,
    upstream: Address,
    cache: str = "8GiB",
    *,
    pair: Pair | None = None,
    beside: Place | None = None,
    connections_per_client: int | None = _ALL_FROM_ONE,
    disk: str | None = None,
) -> Grounds:
    """Write a network file and make its keys. `disk`: the edge's; None: the default."""
    grounds = _grounds(place, upstream, beside)
    text = network_file(grounds, cache, pair, connections_per_client, disk=disk)
    _founded(grounds, text)
    return grounds


@contextmanager
def started(grounds: Grounds, *names: str) -> Iterator[Contestant]:
    """These nodes of a network, of which the last one is its edge, and alone counts."""
    with _nodes(grounds, *names) as pids:
        yield Contestant(name="midmile", pids=(pids[-1],), http=grounds.http, https=grounds.https)


def _grounds(place: Place, upstream: Address, beside: Place | None = None) -> Grounds:
    return Grounds(
        home=place.folder("midmile"),
        near=place,
        beside=beside or place,
        http=place.address(1),
        https=place.address(1),
        dns=place.address(8, udp=True),
        origin=upstream,
    )


def _founded(grounds: Grounds, text: str) -> None:
    (grounds.home / "network.toml").write_text(text, encoding="utf-8")
    subprocess.run(
        [_PROGRAM, "keys", "network.toml"],
        cwd=grounds.home,
        check=True,
        capture_output=True,
        timeout=_KEYS_S,
    )


def network_file(
    grounds: Grounds,
    cache: str,
    pair: Pair | None,
    connections_per_client: int | None = _ALL_FROM_ONE,
    *,
    disk: str | None = None,
) -> str:
    """The text of a network: an edge that serves, a parent, and the fleet that DNS knows."""
    fleet = [
        _node(f"{region}-{place}", "edge", f'region = "{region}"', http=(host, 80))
        for region, hosts in (("east", EASTS), ("west", WESTS))
        for place, host in enumerate(hosts)
    ]
    serving = f'region = "east"\nworkers = 1\ncache = "{cache}"'
    if connections_per_client is not None:
        serving += f"\nconnections_per_client = {connections_per_client}"
    if disk is not None:
        serving += f'\ndisk = "{disk}"'
    near, beside = grounds.near, grounds.beside
    # Metrics stay on loopback, of which each host of a lab has its own.
    admin = replace(near, host=None).address(12)
    return "\n".join(
        [
            _HEAD.format(zone=ZONE, admin=shown(admin), ttl=ANSWER_TTL_S),
            _site(grounds, pair),
            f'[[region]]\nname = "east"\nclients = ["{EAST}"]',
            f'[[region]]\nname = "west"\nclients = ["{WEST}"]',
            *fleet,
            _node("edge", "edge", serving, http=grounds.http, https=grounds.https),
            _node("parent", "parent", f'cache = "{cache}"', tunnel=beside.address(3)),
            _node("origin", "origin", http=grounds.origin),
            _node("top", "top", dns=near.address(10, udp=True)),
            _node("low", "low", 'region = "east"', dns=grounds.dns),
            _node("low-west", "low", 'region = "west"', dns=near.address(11, udp=True)),
            "",
        ]
    )


_HEAD = """\
[network]
name = "bench"
zone = "{zone}"
contact = "hostmaster@{zone}"
admin = "{admin}"
answer_ttl = "{ttl}s"
"""


def _site(grounds: Grounds, pair: Pair | None) -> str:
    hosts = (HOST,) if pair is None else pair.hosts
    own = ", ".join(f'"{host}"' for host in (*hosts, grounds.http[0]))  # wrk's SNI is the address
    lines = [
        "[[site]]",
        'name = "shop"',
        f"hostnames = [{own}]",
        f'origins = ["http://{shown(grounds.origin)}"]',
    ]
    if pair is not None:
        lines += [f'certificate = "{pair.certificate}"', f'key = "{pair.key}"']
    return "\n".join(lines)


def _node(name: str, role: str, settings: str = "", **listen: Address) -> str:
    addresses = ", ".join(f'{kind} = ["{shown(where)}"]' for kind, where in listen.items())
    table = f'[[node]]\nname = "{name}"\nrole = "{role}"\nlisten = {{ {addresses} }}'
    return f"{table}\n{settings}"


@contextmanager
def _nodes(grounds: Grounds, *names: str) -> Iterator[Sequence[int]]:
    """These nodes, ready; their keepers' pids."""
    with ExitStack() as stack:
        pids = [stack.enter_context(_started(grounds, name)) for name in names]
        for name, pid in zip(names, pids, strict=True):
            log = grounds.home / f"{name}.log"
            ready(partial(_is_ready, log), f"midmile's {name}", pid, log)
        yield pids


@contextmanager
def _started(grounds: Grounds, name: str) -> Iterator[int]:
    place = grounds.beside if name in _BESIDE else grounds.near
    command = place.command(_PROGRAM, "node", name, "--network", "network.toml")
    with running(command, grounds.home, name) as pid:
        yield pid


def _is_ready(log: Path) -> bool:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return any('"event":"ready"' in line for line in lines)
