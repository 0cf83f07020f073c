"""What cannot work ends `midmile up` at once: one clear line, a code not 0, nothing left behind."""

import contextlib
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.exits import ExitCode
from tests.kit.network import Grounds, grounds, running

Obstacle = Callable[[Grounds, contextlib.ExitStack], None]
_OWN_KEY = ("(?=hostnames = )", 'certificate = "docs.crt"\nkey = "docs.key"\n')
_PORTS_FOR_ALL = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def _take_port(place: Grounds, stack: contextlib.ExitStack) -> None:
    taken = stack.enter_context(socket.socket())
    taken.bind(tuple(place.network.edges[0].advertise.http))
    taken.listen()


def _take_dns_port(place: Grounds, stack: contextlib.ExitStack) -> None:
    taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(tuple(place.network.lows[0].advertise.dns))


def _lose_certificate(_place: Grounds, _stack: contextlib.ExitStack) -> None:
    """The file names a certificate that nobody has made."""


def _lock_key(place: Grounds, _stack: contextlib.ExitStack) -> None:
    (place.file.parent / "docs.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    (place.file.parent / "docs.key").touch(mode=0o000)


def _spoil_key(place: Grounds, _stack: contextlib.ExitStack) -> None:
    for name in ("docs.crt", "docs.key"):
        (place.file.parent / name).write_text("this is no PEM\n")


def _lock_folder(place: Grounds, stack: contextlib.ExitStack) -> None:
    place.file.parent.chmod(0o555)
    stack.callback(place.file.parent.chmod, 0o700)


def _want_port_80(_place: Grounds, _stack: contextlib.ExitStack) -> None:
    if int(_PORTS_FOR_ALL.read_text()) <= 80:
        pytest.skip("anybody may listen on port 80 here; see tests/deploy/node/test_sockets.py")


@pytest.mark.parametrize(
    ("obstacle", "change", "line", "code"),
    [
        (_take_port, None, r"edge: tcp 127\S+ is in use by another program", ExitCode.ADDRESS),
        (_take_dns_port, None, r"low: udp 127\S+ is in use by another program", ExitCode.ADDRESS),
        (
            _lose_certificate,
            _OWN_KEY,
            r"edge: site docs: cannot read docs\.crt: no such file.*",
            ExitCode.USAGE,
        ),
        (
            _lock_key,
            _OWN_KEY,
            r"edge: site docs: cannot read docs\.key: permission denied",
            ExitCode.USAGE,
        ),
        (
            _spoil_key,
            _OWN_KEY,
            r"edge: site docs: docs\.crt and docs\.key are no .*",
            ExitCode.USAGE,
        ),
        (_lock_folder, None, r"cannot use \S+/var: permission denied", ExitCode.ADDRESS),
        (
            _want_port_80,
            (r'(http = \["127\.\d+\.1\.1):\d+', r"\1:80"),
            r"edge: no permission to listen on tcp 127\S+:80 .*",
            ExitCode.ADDRESS,
        ),
    ],
)
async def test_an_obstacle_is_one_line(
    obstacle: Obstacle, change: tuple[str, str] | None, line: str, code: ExitCode
) -> None:
    """The last line says what is in the way; all that had been started is gone again."""
    with grounds("python-docs.toml") as place, contextlib.ExitStack() as stack:
        if change is not None:
            before = place.file.read_text()
            place.file.write_text(re.sub(change[0], change[1], before, count=1))
        obstacle(place, stack)
        ended = await place.midmile("up", str(place.file), "--state", str(place.state), plain=True)
        complaints = [each for each in ended.stderr.splitlines() if each.startswith("midmile: ")]
        assert len(complaints) == 1, ended.stderr
        assert ended.stderr.endswith(f"{complaints[0]}\n")
        assert re.fullmatch(line, complaints[0].removeprefix("midmile: "), re.IGNORECASE), ended
        assert "Traceback" not in ended.stdout + ended.stderr
        assert ended.code == code
        assert place.strays() == []


async def test_a_missing_network_file_is_one_line() -> None:
    """The file that could not be read is named, and nothing is made for it."""
    with grounds("python-docs.toml") as place:
        place.file.unlink()
        ended = await place.midmile("up", str(place.file), "--state", str(place.state))
        assert (ended.code, ended.stdout) == (ExitCode.USAGE, "")
        complaint = rf"midmile: .*{place.file.name}: .*no such file or directory.*\n"
        assert re.fullmatch(complaint, ended.stderr), ended.stderr
        assert not place.state.exists()


async def test_a_second_up_in_the_same_state_is_one_line() -> None:
    """It says who is there already and leaves that one alone."""
    with grounds("python-docs.toml") as place:
        async with running(place) as first:
            pids = await first.pids()
            second = await place.midmile("up", str(place.file), "--state", str(place.state))
            assert second.code == ExitCode.BUSY
            assert second.stderr == (
                f"midmile: a supervisor in {place.state} runs already (pid {first.pid})\n"
            )
            alone = await place.midmile(
                "node", "edge", "--network", str(place.file), "--state", str(place.state)
            )
            assert alone.code == ExitCode.BUSY
            assert re.fullmatch(r"midmile: node edge runs already \(pid \d+\)\n", alone.stderr)
            assert await first.pids() == pids
