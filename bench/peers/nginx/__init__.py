"""nginx as the origin, as the front of one, as a caching edge, and as edge and parent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from random import Random

from bench.bodies import SIZES, prose
from bench.certificate import Pair
from bench.contestant import Contestant
from bench.place import HOST, Address, Place, as_root, configure, fill, shown
from bench.processes import ready, running
from bench.programs import UNPACKED, need

_HERE = Path(__file__).parent
_PIECE = 4_000
"""Characters of a parameter in nginx's configuration, which it reads by 4,096 bytes."""
_UNCACHEABLE = 8 * 1024
_LOG = "access.log"
FILM = "/films/5MB"
"""The origin's one file that no coding makes smaller."""
_FILM_BYTES = 5_000_000
_REQUEST_ID = 33
"""Characters of `$request_id` and the line's end."""


@contextmanager
def origin(place: Place) -> Iterator[Contestant]:
    """The origin: `/objects/1KB` and so on, whatever the query; `8KB-uncacheable`; `FILM`."""
    root = place.folder("origin/root")
    place.folder("origin/root/objects")
    for name, size in SIZES.items():
        (root / "objects" / name).write_text(prose(size, seed=size), encoding="ascii")
    place.folder("origin/root/films")
    (root / FILM[1:]).write_bytes(Random(FILM).randbytes(_FILM_BYTES))
    text = prose(_UNCACHEABLE - _REQUEST_ID, seed=8).replace("\n", " ")
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    values = {
        "root": root,
        "text": " ".join(f'set $p{at} "{piece}";' for at, piece in enumerate(pieces)),
        "pieces": "".join(f"$p{at}" for at in range(len(pieces))),
    }
    http = place.address(9)
    with _nginx(place, "origin", "origin.conf", http, values, log="off") as pid:
        yield Contestant(name="origin", pids=(pid,), http=http)


@contextmanager
def front(place: Place, upstream: Address, pair: Pair) -> Iterator[Contestant]:
    """TLS, HTTP/2 and gzip before an origin: what users reach where there is no CDN."""
    http, https = place.address(2), place.address(2)
    values = _proxy(place, "direct", upstream, pair) | {"https": shown(https)}
    with _nginx(place, "direct", "front.conf", http, values) as pid:
        log = place.home / "direct" / _LOG
        yield Contestant(name="direct", pids=(pid,), http=http, https=https, crossings=log)


@contextmanager
def edge(place: Place, upstream: Address, pair: Pair) -> Iterator[Contestant]:
    """One caching nginx in front of an origin."""
    http, https = place.address(2), place.address(2)
    values = _proxy(place, "nginx", upstream, pair)
    values |= {"https": shown(https), "scheme": "http", "hop": ""}
    with _nginx(place, "nginx", "edge.conf", http, values) as pid:
        yield Contestant(name="nginx", pids=(pid,), http=http, https=https)


class Compression(StrEnum):
    """Where two hops of nginx compress; the contestant's name."""

    EVERYWHERE = "nginx"
    """Between them, and for users."""
    USERS = "nginx-nogzip"
    """Not between them."""
    NOWHERE = "nginx-plain"


@contextmanager
def chain(
    place: Place,
    upstream: Address,
    pair: Pair,
    compression: Compression = Compression.EVERYWHERE,
    *,
    beside: Place | None = None,
) -> Iterator[Contestant]:
    """An nginx near the user that fetches from one beside the origin; TLS between them."""
    name, parent = compression.value, f"{compression}-parent"
    between = compression is Compression.EVERYWHERE
    far = beside or place
    tunnel, http, https = far.address(3), place.address(2), place.address(2)
    parents = _proxy(far, parent, upstream, pair, gzip=between) | {"https": shown(tunnel)}
    near = f"{name}-edge"
    edges = _proxy(place, near, tunnel, pair, gzip=compression is not Compression.NOWHERE)
    hop = fill(_HERE / "hop.conf", {**edges, "encoding": _ENCODING[between]})
    edges |= {"https": shown(https), "scheme": "https", "hop": hop}
    with (
        _nginx(far, parent, "parent.conf", tunnel, parents) as parent_pid,
        _nginx(place, near, "edge.conf", http, edges) as edge_pid,
    ):
        yield Contestant(
            name=name,
            pids=(edge_pid, parent_pid),
            http=http,
            https=https,
            crossings=far.home / parent / _LOG,
        )


_ENCODING = {
    True: "proxy_set_header Accept-Encoding gzip; gunzip on;",
    False: 'proxy_set_header Accept-Encoding "";',
}
"""What the edge asks of the parent: compressed for all users alike and undone for the few, or not
compressed."""
_PARTS = ("gzip", "pool", "tls", "request", "cache", "zone")
"""Files that several roles have in common."""


def _proxy(
    place: Place, name: str, upstream: Address, pair: Pair, *, gzip: bool = True
) -> dict[str, object]:
    """What the roles' files want to have filled in, but for where they listen."""
    values = {
        "home": place.home / name,
        "upstream": shown(upstream),
        "certificate": pair.certificate,
        "key": pair.key,
        "host": HOST,
        "switch": "on" if gzip else "off",
        # Over distance the first byte counts, on loopback the time per byte.
        "record": "16k" if place.host is None else "4k",
    }
    return values | {part: fill(_HERE / f"{part}.conf", values).strip() for part in _PARTS}


def _logging(place: Place) -> str:
    """Collected, as the documentation advises for load; in a lab, where bytes count, at once."""
    return f"{_LOG} json buffer=64k flush=1s" if place.host is None else f"{_LOG} json"


@contextmanager
def _nginx(
    place: Place,
    name: str,
    role: str,
    at: Address,
    values: Mapping[str, object],
    log: str | None = None,
) -> Iterator[int]:
    """One nginx; `at` is where it is ready as soon as it listens there."""
    program, home = need("nginx"), place.folder(name)
    unpacked = UNPACKED / "etc/nginx/mime.types"
    main = {
        "role": fill(_HERE / role, {**values, "http": shown(at)}),
        "home": home,
        "log": log or _logging(place),
        "workers": 1,
        # Unpacked, it has no user of its own; its files are ours.
        "user": "user root;" if as_root() else "",
        "mime": unpacked if unpacked.exists() else "/etc/nginx/mime.types",
    }
    configuration = configure(_HERE / "main.conf", home / "nginx.conf", main)
    command = place.command(program, "-e", "stderr", "-p", f"{home}/", "-c", configuration)
    with running(command, home, "nginx") as pid:
        ready(lambda: place.listening(at), name, pid, home / "nginx.log")
        yield pid
