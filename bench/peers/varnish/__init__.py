"""Varnish: default storage, ESI. Its access log is varnishncsa's, whose time counts as its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contestant import Contestant
from bench.place import Address, Place, configure, shown
from bench.processes import ready, running
from bench.programs import data, libraries, need

_HERE = Path(__file__).parent
_LOG = (
    '{"time":"%{%Y-%m-%dT%H:%M:%S}t","client":"%h","method":"%m","host":"%{Host}i",'
    '"target":"%U%q","http_version":"%H","status":%s,"cache":"%{Varnish:hitmiss}x",'
    '"request_bytes":%I,"response_bytes":%O,"body_bytes":%{VSL:ReqAcct[5]}x,'
    '"type":"%{Content-Type}o","seconds":%{Varnish:time_firstbyte}x,'
    '"request_id":"%{X-Varnish}o","agent":"%{User-Agent}i"}'
)
"""What midmile's access log says of a request."""


@contextmanager
def edge(place: Place, upstream: Address, storage: str = "malloc,8g") -> Iterator[Contestant]:
    """Varnish in front of an origin. It speaks no TLS."""
    need("cc")  # it compiles its configuration
    home, http = place.folder("varnish"), place.address(4)
    environment = libraries("{triplet}/varnish")
    values = {"host": upstream[0], "port": upstream[1]}
    settings = configure(_HERE / "site.vcl", home / "site.vcl", values)
    command: list[str | Path] = [
        need("varnishd"),
        "-F",  # in the foreground: it is stopped by its pid
        "-n", home / "work",
        "-a", f"{shown(http)},HTTP",
        "-f", settings,
        "-s", storage,  # malloc is the default, only larger
        # The default drops privileges to users that only an installed package makes.
        "-j", "none",
        "-p", "listen_depth=4096",  # the default of 1,024 refuses some of 1,000 at once
        # Unpacked programs do not find their modules where they were built to.
        "-p", f"vmod_path={data('usr/lib/{triplet}/varnish/vmods')}",
    ]  # fmt: skip
    with running(command, home, "varnishd", environment) as pid:
        ready(lambda: place.listening(http), "varnish", pid, home / "varnishd.log")
        logger: list[str | Path] = [need("varnishncsa"), "-n", home / "work", "-F", _LOG]
        logger += ["-w", home / "access.log"]
        with running(logger, home, "varnishncsa", environment) as log:
            ready((home / "access.log").exists, "varnishncsa", log, home / "varnishncsa.log")
            yield Contestant(name="varnish", pids=(pid, log), http=http)
