"""What puts load on contestants reports what was answered, and refuses what was not meant."""

import subprocess
from pathlib import Path

import dns.message
import pytest

from bench.errors import LoadError
from bench.load import dnsperf, h2load, keepalive, wrk
from bench.load.latencies import Latencies
from bench.programs import need
from tests.kit.benching import CountingOrigin, need_programs

_DNSPERF = """
  Queries sent:         {sent}
  Queries completed:    {done} (100.00%)
  Response codes:       {codes}
"""


def test_latencies_are_read_from_h2loads_log() -> None:
    """In order, as milliseconds; percentiles are of the nearest rank."""
    log = "".join(f"1795355800315450\t200\t{us}\n" for us in (3000, 1000, 2000, 4000))
    latencies = Latencies.of(h2load.read(log))
    assert latencies.sorted_ms == [1, 2, 3, 4]
    assert [latencies.percentile_ms(percent) for percent in (1, 50, 51, 99)] == [1, 2, 3, 4]


@pytest.mark.parametrize("log", ["", "1795355800315450\t502\t10\n"])
def test_wrong_answers_are_no_latencies(log: str) -> None:
    """An error page comes fast."""
    with pytest.raises(LoadError):
        h2load.read(log)


def test_answers_are_read_from_dnsperfs_report() -> None:
    """Queries completed; a datagram lost to a full buffer is forgiven."""
    text = _DNSPERF.format(sent=10_000, done=9_999, codes="NOERROR 9999 (100.00%)")
    assert dnsperf.read(text).queries == 9_999


@pytest.mark.parametrize(
    "text",
    [
        "dnsperf: no such host",
        _DNSPERF.format(sent=1000, done=500, codes="NOERROR 500 (100.00%)"),
        _DNSPERF.format(sent=1000, done=1000, codes="REFUSED 1000 (100.00%)"),
        _DNSPERF.format(sent=1000, done=1000, codes="NOERROR 999 (99.9%), SERVFAIL 1 (0.1%)"),
    ],
    ids=["failed", "lost", "refused", "mixed"],
)
def test_wrong_answers_are_no_queries(text: str) -> None:
    """Refusing is cheaper than answering."""
    with pytest.raises(LoadError):
        dnsperf.read(text)


def test_each_query_has_a_client_subnet_of_its_own(tmp_path: Path) -> None:
    """Spread over both halves of 10.0.0.0/8, none twice."""
    wires = dnsperf.with_subnets(tmp_path / "queries", 10_000).read_bytes()
    seen = set()
    while wires:
        length = int.from_bytes(wires[:2], "big")
        message = dns.message.from_wire(wires[2 : 2 + length])
        seen.add(message.options[0].to_text())
        wires = wires[2 + length :]
    assert len(seen) == 10_000
    west = [text for text in seen if int(text.split(".")[1]) >= 128]
    assert 4_000 < len(west) < 6_000


def test_our_own_client_fetches_each_path_once() -> None:
    """Over several connections, and counts the answers."""
    with CountingOrigin() as origin:
        paths = [f"/{number}" for number in range(40)]
        assert keepalive.fetch_all(origin.address, paths, connections=4) == 40
        assert sorted(origin.asked) == sorted(paths)


def test_our_own_client_refuses_errors() -> None:
    """A HEAD that this origin does not know is answered 501."""
    with CountingOrigin() as origin, pytest.raises(LoadError, match="501"):
        keepalive.fetch_all(origin.address, ["/"], method="HEAD", connections=1)


def test_a_check_sees_another_status() -> None:
    """To wrk itself a 200 is as good as a 304."""
    load = wrk.Load(path="/", connections=1, seconds=1, fields=('If-None-Match: "one"',))
    with CountingOrigin() as origin:
        assert wrk.tag(origin.address, "/") == '"one"'
        wrk.check(origin.address, load)
        with pytest.raises(LoadError, match="answered 200, not 304"):
            wrk.check(
                origin.address,
                wrk.Load(path="/", connections=1, seconds=1, status=304),
            )


@pytest.mark.system
@pytest.mark.parametrize(("kind", "least", "most"), [("varied", 1_900, 2_000), ("same", 1, 1)])
def test_heads_vary_as_browsers_do(tmp_path: Path, kind: str, least: int, most: int) -> None:
    """Agents, languages and cookies differ, so that hardly any head comes twice; or all are one."""
    need_programs("wrk")
    heads = _heads(tmp_path, kind)
    assert len(heads) == 2_000
    assert all(head.startswith("GET /x HTTP/1.1\r\nHost: shop.test\r\n") for head in heads)
    assert all("\r\nRange: bytes=0-1" in head for head in heads)
    assert least <= len(set(heads)) <= most
    if kind == "varied":
        assert len({_field(head, "User-Agent") for head in heads}) == 200
        assert len({_field(head, "Accept-Language") for head in heads}) == 24


def _heads(folder: Path, kind: str) -> list[str]:
    """The heads that the script makes, told by wrk's own Lua."""
    script = folder / "heads.lua"
    heads = Path(wrk.__file__).with_name("heads.lua")
    script.write_text(
        f'dofile("{heads}")\nlocal one = init\nfunction init(_)\n'
        f'one({{"{kind}", "shop.test", "/x", "Range: bytes=0-1"}})\n'
        f'local file = io.open("{folder}/made", "w")\n'
        "for _ = 1, 2000 do file:write(request()) end\nfile:close()\nend\n"
    )
    with CountingOrigin() as origin:
        host, port = origin.address
        subprocess.run(
            [need("wrk"), "-t1", "-c1", "-d1", "-s", script, f"http://{host}:{port}/"],
            capture_output=True,
            check=True,
        )
    made = (folder / "made").read_bytes().decode()
    return [head for head in made.split("\r\n\r\n") if head]


def _field(head: str, name: str) -> str:
    return head.partition(f"\r\n{name}: ")[2].partition("\r\n")[0]
