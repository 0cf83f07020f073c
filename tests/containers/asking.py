"""What a user asks the containers, with a user's programs, and what an operator asks Prometheus."""

import json
import time
import urllib.request
from collections.abc import Callable

from tests.containers.docker import PUBLISHED, Engine
from tests.kit.programs import need

EAST, WEST = "172.31.214.11", "172.31.214.21"
"""The edges of the two regions."""
SHOP = "shop.cdn.test"
SETTLE_S = 60.0
_RESOLVER_PORT = 5303


def curl(engine: Engine, *arguments: str) -> str:
    """What curl prints, asked where the tests publish the ports."""
    # An empty port in --connect-to means the URL's own.
    there = ["--connect-to", f"::{PUBLISHED}:"]
    return _curl(engine, *there, *arguments)


def curl_resolved(engine: Engine, address: str) -> str:
    """The shop's home page from the address that a resolver told, at the port of every web site."""
    return _curl(engine, "--resolve", f"{SHOP}:80:{address}", f"http://{SHOP}/")


def _curl(engine: Engine, *arguments: str) -> str:
    program = need("curl", package="curl")
    return engine.said(str(program), "-sS", "--fail", "--max-time", "10", *arguments)


def dig(engine: Engine, port: int, *arguments: str) -> str:
    """What one of our DNS servers answers."""
    return _kdig(engine, port, "+norecurse", *arguments)


def edges(engine: Engine, port: int, *arguments: str) -> list[str]:
    """The addresses that a low-level server answers for the shop."""
    return dig(engine, port, "+short", SHOP, "A", *arguments).split()


def resolved(engine: Engine, *arguments: str) -> set[str]:
    """The shop's addresses by the resolver; it may ask either region first."""
    return set(_kdig(engine, _RESOLVER_PORT, "+short", SHOP, "A", *arguments).split())


def _kdig(engine: Engine, port: int, *arguments: str) -> str:
    program = need("kdig", package="knot-dnsutils")
    return engine.said(str(program), f"@{PUBLISHED}", "-p", str(port), "+time=3", *arguments)


def visit_inside(engine: Engine) -> str:
    """The shop's home page, in a container that knows its name and our resolver, nothing else."""
    script = f"import urllib.request as u; print(u.urlopen('http://{SHOP}/').read().decode())"
    return engine.inside("python", "-c", script)


def targets(engine: Engine) -> dict[str, tuple[str, str, str]]:
    """Whom Prometheus asks: of each node's name its address, its role and its health."""
    url = f"http://{PUBLISHED}:9090/api/v1/targets"
    with urllib.request.urlopen(url, timeout=5) as answer:
        active = json.load(answer)["data"]["activeTargets"]
    found = {
        one["labels"]["instance"]: (
            one["discoveredLabels"]["__address__"],
            one["labels"]["role"],
            one["health"],
        )
        for one in active
    }
    lines = [f"{name} {' '.join(facts)}\n" for name, facts in sorted(found.items())]
    if "unknown" not in {health for *_, health in found.values()}:
        engine.transcript.add(["GET", url], "".join(lines))
    return found


def health(engine: Engine) -> dict[str, str | None]:
    """What Docker thinks of each service; None where it has nothing to judge by."""
    found = engine.containers()
    return {name: one["State"].get("Health", {}).get("Status") for name, one in found.items()}


def start(engine: Engine) -> None:
    """Everything up and healthy, whatever has run before."""
    engine.compose("up", "--detach")
    if not eventually(lambda: set(health(engine).values()) <= {"healthy", None}, 2 * SETTLE_S):
        raise AssertionError(f"{health(engine)}\n{engine.compose('logs', '--tail', '20')}")
    engine.compose("ps")


def eventually(holds: Callable[[], bool], within_s: float = SETTLE_S) -> bool:
    """Whether it holds in time; programs in containers can only be asked again and again."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
