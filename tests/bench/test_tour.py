"""`sudo make lab`: a person's own browser visits the shop at three addresses, over distance."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import programs
from bench.lab.topologies import LAST_MILE_MS, STANDARD
from bench.processes import listening, tree
from bench.tour import app
from tests.house.tree import ROOT
from tests.kit.benching import need_programs
from tests.kit.lab import need_lab
from tests.kit.processes import alive, free_ports
from tests.kit.programs import need

_PATIENCE_S = 60
_NAMES = ("straight", "nginx", "midmile")
_TLS_AFTER = 10
_FORBIDDEN = "403"


@pytest.fixture
def port() -> int:
    """The first of six that are free."""
    while True:
        first = free_ports(1)[0]
        if not any(_bound(each) for each in _six(first)):
            return first


def _six(first: int) -> list[int]:
    return [first + tls + at for tls in (0, _TLS_AFTER) for at in range(len(_NAMES))]


def _bound(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return True
    return False


@contextmanager
def _started(port: int) -> Iterator["subprocess.Popen[str]"]:
    need_lab()
    need_programs("nginx")
    with subprocess.Popen(
        [sys.executable, "-m", "bench.tour", "--topology", "regional", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "BENCH_SMOKE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _welcome(process: "subprocess.Popen[str]") -> str:
    """What it says once visitors may come."""
    assert process.stdout is not None
    assert process.stderr is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if " heal " in line:
            return "".join(lines)
    raise AssertionError(f"it never opened: {lines}, {process.stderr.read()}")


def _asked(url: str, *options: str) -> str:
    """What curl says of an answer: its status, and seconds to the first byte."""
    curl = need("curl", package="curl")
    told = "%{http_code} %{time_starttransfer}"
    return subprocess.run(
        [curl, "--silent", "--output", os.devnull, "--write-out", told, *options, url],
        capture_output=True,
        text=True,
        check=True,
        timeout=_PATIENCE_S,
    ).stdout


def _ended(process: "subprocess.Popen[str]", port: int) -> None:
    """SIGTERM ends it as Ctrl-C does, and nothing of it stays."""
    started = tree([process.pid])
    process.send_signal(signal.SIGTERM)
    assert process.wait(_PATIENCE_S) == 0
    assert [pid for pid in started if alive(pid)] == []
    assert [each for each in _six(port) if listening(("127.0.0.1", each))] == []


@pytest.mark.system
def test_the_shop_is_at_three_addresses(port: int) -> None:
    """By http and by https with the printed certificate; forms work; straight is far away."""
    with _started(port) as process:
        said = _welcome(process)
        certificate = Path(said.partition("--cacert ")[2].split()[0])
        assert certificate.stat().st_mode & 0o004
        for at, name in enumerate(_NAMES):
            plain = f"http://{name}.localhost:{port + at}"
            secure = f"https://{name}.localhost:{port + at + _TLS_AFTER}"
            assert plain in said
            assert secure in said
            assert _asked(f"{plain}/product/wren-rain-hat").startswith("200 ")
            assert _asked(f"{secure}/", "--cacert", str(certificate)).startswith("200 ")
            form = ("--header", f"Origin: {plain}", "--data", "name=Somebody")
            assert not _asked(f"{plain}/login", *form).startswith(_FORBIDDEN)
        rtt_s = (STANDARD["regional"].rtt_ms + LAST_MILE_MS) / 1000
        straight = _asked(f"http://straight.localhost:{port}/healthz")
        assert float(straight.split()[1]) >= rtt_s
        _ended(process, port)
        assert not certificate.exists()


@pytest.mark.system
def test_it_ends_while_it_begins(port: int) -> None:
    """Whoever has had enough before it is open need not wait for that."""
    with _started(port) as process:
        assert process.stderr is not None
        assert "starting" in process.stderr.readline()
        _ended(process, port)


@pytest.mark.system
def test_a_taken_port_is_named(port: int) -> None:
    """At once and in one line, with what to do about it."""
    need_lab()
    need_programs("nginx")
    taken = port + _TLS_AFTER + 1
    with socket.create_server(("127.0.0.1", taken)):
        refused = CliRunner().invoke(app, ["--port", str(port)])
    assert refused.exit_code == 1
    assert refused.stderr == f"lab: port {taken} is taken; choose others with --port\n"


def test_where_there_can_be_no_lab_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever forgot sudo."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    refused = CliRunner().invoke(app)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("lab: the lab wants root")
    assert refused.stderr.count("\n") == 1


@pytest.mark.system
def test_a_missing_nginx_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that gets it."""
    need_lab()
    monkeypatch.setattr(programs, "find", lambda _: None)
    refused = CliRunner().invoke(app)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("lab: wants nginx")
    assert refused.stderr.count("\n") == 1


def test_an_unknown_distance_is_answered_with_those_known() -> None:
    """In one line."""
    refused = CliRunner().invoke(app, ["--topology", "lunar"])
    assert refused.exit_code == 1
    assert refused.stderr == (
        "lab: there is no topology 'lunar'; there are regional, continental, far\n"
    )
