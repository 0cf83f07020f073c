"""gdnsd: the authoritative server that, like ours, chooses addresses by the client's network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contestant import Contestant
from bench.peers.fleet import EAST, EASTS, WEST, WESTS, ZONE
from bench.place import Place, configure, shown
from bench.processes import ready, running
from bench.programs import libraries, need

_HERE = Path(__file__).parent


@contextmanager
def server(place: Place) -> Iterator[Contestant]:
    """The server, with the fleet of all DNS contestants."""
    home, at = place.folder("gdnsd"), place.address(6, udp=True)
    (home / "zones").mkdir()
    values = {
        "home": home,
        "address": shown(at),
        "east": EAST,
        "west": WEST,
        "easts": ", ".join(EASTS),
        "wests": ", ".join(WESTS),
    }
    configure(_HERE / "config", home / "config", values)
    configure(_HERE / "zone", home / "zones" / ZONE, {"server": at[0]})
    command: list[str | Path] = [need("gdnsd"), "-c", home, "start"]
    with running(command, home, "gdnsd", libraries()) as pid:
        ready(lambda: place.listening(at), "gdnsd", pid, home / "gdnsd.log")
        yield Contestant(name="gdnsd", pids=(pid,), http=at)
