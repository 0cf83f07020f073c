"""Apache Traffic Server, without `traffic_manager`, which would only add to its time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.certificate import Pair
from bench.contestant import Contestant
from bench.place import HOST, Address, Place, configure, shown
from bench.processes import ready, running
from bench.programs import data, libraries, need

_HERE = Path(__file__).parent
_FOLDERS = ("etc", "var", "run", "log", "cache")


@contextmanager
def edge(place: Place, upstream: Address, pair: Pair) -> Iterator[Contestant]:
    """Traffic Server in front of an origin."""
    home, http, https = place.folder("trafficserver"), place.address(5), place.address(5)
    for folder in _FOLDERS:
        (home / folder).mkdir()
    values = {
        "host": http[0],
        "port": http[1],
        "tlsport": https[1],
        "threads": 1,
        "certificates": pair.certificate.parent,
        "pages": data("etc/trafficserver/body_factory"),
    }
    configure(_HERE / "records.config", home / "etc/records.config", values)
    configure(_HERE / "logging.yaml", home / "etc/logging.yaml", {})
    for name, text in _small_files(home, https, upstream, pair).items():
        (home / name).write_text(text, encoding="utf-8")
    command: list[str | Path] = [need("traffic_server"), f"--run-root={home}/runroot.yaml"]
    with running(command, home, "server", libraries("trafficserver")) as pid:
        ready(lambda: place.listening(http), "trafficserver", pid, home / "server.log")
        yield Contestant(name="trafficserver", pids=(pid,), http=http, https=https)


def _small_files(home: Path, https: Address, upstream: Address, pair: Pair) -> dict[str, str]:
    """Configuration of a line or two, by name."""
    layout = {
        "prefix": home,
        "exec_prefix": home,
        "bindir": need("traffic_server").parent,
        "sbindir": need("traffic_server").parent,
        "sysconfdir": home / "etc",
        "datadir": home / "var",
        "includedir": home / "var",
        "libdir": data("usr/lib/trafficserver"),
        "libexecdir": data("usr/lib/trafficserver/modules"),
        "localstatedir": home / "run",
        "runtimedir": home / "run",
        "logdir": home / "log",
        "cachedir": home / "cache",
    }
    origin = f"http://{shown(upstream)}/"
    # A rule without a port is for the default one; browsers name any other in their Host.
    names = (f"http://{HOST}/", f"https://{HOST}/", f"https://{HOST}:{https[1]}/")
    return {
        "runroot.yaml": "".join(f"{name}: {path}\n" for name, path in layout.items()),
        "etc/storage.config": f"{home}/cache 1G\n",
        "etc/remap.config": "".join(f"map {seen} {origin}\n" for seen in names),
        "etc/ssl_multicert.config": (
            f"dest_ip=* ssl_cert_name={pair.certificate.name} ssl_key_name={pair.key.name}\n"
        ),
        # The counters that midmile has as metrics.
        "etc/plugin.config": "stats_over_http.so _stats\n",
        "etc/ip_allow.yaml": (
            "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.0/8\n"
            "    action: allow\n    methods: ALL\n"
        ),
    }
