"""Programs of the operating system that a measurement runs: where they are, how to get them.

Peers are unpacked below `var/programs`, not installed: an installed daemon starts by itself.
"""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from bench.errors import MissingProgramError

ROOT = Path(__file__).resolve().parents[1]
UNPACKED = ROOT / "var" / "programs"
"""Where `make bench-programs` unpacks them."""
_TRIPLET = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
"""Debian's name for the machine's kind; libraries stand in folders of this name."""
_VERSION_FLAGS = {
    "nginx": "-v",
    "wrk": "-v",
    "dnsperf": "-h",
    "h2load": "--version",
    "chromium": "--version",
}
"""Where it is not `-V`."""

PACKAGES: Mapping[str, str] = {
    "nginx": "nginx",
    "varnishd": "varnish",
    "varnishncsa": "varnish",
    "traffic_server": "trafficserver",
    "gdnsd": "gdnsd",
    "knotd": "knot",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "dnsperf": "dnsperf",
    "cc": "gcc",
    "chromium": "chromium",
}
"""Debian's package for each program. Varnish compiles its configuration with the compiler."""
_INSTALLED = {"cc": "gcc libc6-dev", "chromium": "chromium"}
"""Packages that are of no use unpacked: they look for their own files where Debian puts them."""


def find(program: str) -> Path | None:
    """Where `program` is: unpacked, on PATH, or in a system folder that a user's PATH lacks."""
    folders = [
        *(str(UNPACKED / folder) for folder in ("usr/sbin", "usr/bin")),
        os.environ.get("PATH", os.defpath),
        "/usr/sbin:/sbin",
    ]
    found = shutil.which(program, path=os.pathsep.join(folders))
    return Path(found) if found else None


def need(program: str) -> Path:
    """The program's path.

    Raises:
        MissingProgramError: it is not here.
    """
    found = find(program)
    if found is None:
        wanted = _INSTALLED.get(program)
        remedy = f"sudo apt-get install {wanted}" if wanted else "make bench-programs"
        raise MissingProgramError(f"wants {program}, which is not here; install with: {remedy}")
    return found


def libraries(*folders: str) -> dict[str, str]:
    """The environment in which unpacked programs find what was unpacked beside them."""
    system = [UNPACKED / "usr/lib" / _TRIPLET, UNPACKED / "lib" / _TRIPLET]
    own = [UNPACKED / "usr/lib" / folder.format(triplet=_TRIPLET) for folder in folders]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, [*own, *system]))}


def data(path: str) -> Path:
    """A file or folder that a package brings, such as `usr/lib/...`: unpacked or installed."""
    relative = path.format(triplet=_TRIPLET)
    unpacked = UNPACKED / relative
    return unpacked if unpacked.exists() else Path("/") / relative


def version(program: str) -> str:
    """What `program` says its version is, as Debian's package manager would: one word."""
    told = subprocess.run(
        [need(program), _VERSION_FLAGS.get(program, "-V")],
        env=libraries("trafficserver", "{triplet}/varnish"),
        capture_output=True,
        text=True,
        check=False,
    )
    words = f"{told.stdout}\n{told.stderr}".replace("/", " ").replace("-", " ").split()
    numbers = (word.strip("(),") for word in words)
    return next((word for word in numbers if word[:1].isdigit() and "." in word), "unknown")
