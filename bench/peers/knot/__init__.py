"""Knot DNS with its geoip module, which chooses addresses by the client's network."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.contestant import Contestant
from bench.peers.fleet import ANSWER_TTL_S, EAST, EASTS, WEST, WESTS, ZONE
from bench.place import HOST, Address, Place, configure
from bench.processes import ready, running
from bench.programs import data, libraries, need

_HERE = Path(__file__).parent


@contextmanager
def server(place: Place) -> Iterator[Contestant]:
    """The server, with the fleet of all DNS contestants."""
    home, at = place.folder("knot"), place.address(7, udp=True)
    _configure(home, at)
    with running([need("knotd"), "-c", home / "knot.conf"], home, "knotd", libraries()) as pid:
        ready(lambda: place.listening(at), "knot", pid, home / "knotd.log")
        yield Contestant(name="knot", pids=(pid,), http=at)


def _configure(home: Path, at: Address) -> None:
    # Debian builds the module as a file of its own, which an unpacked server must be told of.
    module = data("usr/lib/{triplet}/knot/modules-3.2/geoip.so")
    values = {
        "home": home,
        "address": f"{at[0]}@{at[1]}",
        "ttl": ANSWER_TTL_S,
        "zone": ZONE,
        "module": f"module:\n  - id: mod-geoip\n    file: {module}",
    }
    configure(_HERE / "knot.conf", home / "knot.conf", values)
    first, second = EASTS
    default = {"server": at[0], "first": first, "second": second}
    configure(_HERE / "zone", home / "zone", default)
    regions = {
        "host": HOST,
        "east": EAST,
        "west": WEST,
        "easts": _records(EASTS),
        "wests": _records(WESTS),
    }
    configure(_HERE / "regions.conf", home / "regions.conf", regions)


def _records(addresses: Sequence[str]) -> str:
    return "\n".join(f"    A: {address}" for address in addresses)
