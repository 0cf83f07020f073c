"""The command line as a user meets it: what it prints, where, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.commands.status import print_status
from deploy.layout import DEMO
from tests.deploy.overview.samples import at, busy, busy_view
from tests.kit.processes import alive, free_ports


def midmile(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=cwd,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["up", "nowhere.toml"], 2, r"cannot read .*nowhere\.toml: no such file or directory"),
        (["node", "x", "--network", "."], 2, r"cannot read .*: is a directory"),
        (["check", "nowhere.toml"], 2, r"cannot read .*nowhere\.toml: no such file or directory"),
        (["node", "nobody"], 2, r"no node 'nobody' in .*demo\.toml \(it has east, west, .*\)"),
        (["status"], 4, r"no supervisor runs in .*var \(start one: midmile up\)"),
        (["fly"], 2, r"no such command 'fly' \(see --help\)"),
        (["up", "--fast"], 2, r"no such option: --fast.* \(see --help\)"),
        (["keys", "--rotate", "--node", "east"], 2, r".*only one of .*"),
        (["resolve"], 2, r"missing argument 'NAME' \(see --help\)"),
    ],
)
def test_errors_are_one_line_and_a_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    """A user's mistake is told in one line on stderr, with the documented exit code."""
    done = midmile(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert re.fullmatch(f"midmile: {message}\n", done.stderr), done.stderr


def test_a_folder_called_deploy_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Many projects have a folder `deploy`; standing in one does not matter."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "__init__.py").write_text("raise SystemExit(9)")
    assert midmile("--version", cwd=tmp_path).stdout.startswith("midmile ")


def test_help_needs_nothing_heavy() -> None:
    """Help appears without the servers' libraries being loaded."""
    code = (
        "import sys; sys.argv = ['midmile', '--help']\n"
        "from deploy.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'aiohttp', 'pydantic', 'cryptography', 'dns'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.rstrip().endswith("[]")
    for command in ("up", "node", "status", "check", "targets", "keys", "resolve"):
        assert command in done.stdout


def test_reader_that_leaves_is_no_error() -> None:
    """`midmile --help | head -1` shows no traceback."""
    reading, writing = socket.socketpair()
    reading.close()
    with writing:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "deploy", "--help"],
            stdout=writing.fileno(),
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert done.stderr == b""


def test_one_node_alone_serves_and_drains(tmp_path: Path) -> None:
    """`midmile node` runs one node; a second one of the same name is refused; SIGTERM ends it."""
    admin, http = free_ports(2)
    file = tmp_path / "network.toml"
    file.write_text(Path(DEMO).read_text())
    arguments = ("node", "shop-origin", "--network", str(alone(file, admin, http)))
    state = ("--state", str(tmp_path / "state"))
    command = [sys.executable, "-P", "-m", "deploy", *arguments, *state]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node,
        ExitStack() as stop,
    ):
        stop.callback(node.kill)
        assert node.stdout is not None
        while '"event":"ready"' not in (line := node.stdout.readline()):
            assert line, "it ended"
        second = midmile(*arguments, *state)
        assert second.returncode == 4
        assert f"node shop-origin runs already (pid {node.pid})" in second.stderr
        with socket.create_connection(("127.0.0.1", http), timeout=10) as user:
            user.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
            assert user.recv(12) == b"HTTP/1.1 200"
        node.send_signal(signal.SIGTERM)
        assert node.wait(20) == 0
    assert not alive(node.pid)
    assert not (tmp_path / "state" / "nodes" / "shop-origin" / "node.pid").exists()


def alone(file: Path, admin: int, http: int) -> Path:
    """The demo network with free ports for its origin."""
    text = file.read_text()
    text = re.sub(r'admin = "127\.0\.0\.1:\d+"', f'admin = "127.0.0.1:{admin}"', text)
    file.write_text(text.replace("127.0.9.2:8088", f"127.0.0.1:{http}"))
    return file


def test_status_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A node's row is followed by one for each of its workers; troubles are pointed to."""
    chronicle, reports = busy()
    told = chronicle.view(reports, at(1000.0, uptime_s=61.0)).to_json()
    print_status(told, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "network demo, up for 1m 1s, http://127.0.0.1:8899/"
    assert lines[3].split() == [
        *("east", "edge", "ready", "99", "0", "12s", "200", "10.0", "80.0%", "20"),
        *("40", "%", "90.0", "MB", "127.0.0.1:8900"),
    ]
    assert lines[4].split() == [
        *("east/0", "ready", "100", "0", "10s", "200", "10.0", "80.0%", "30", "%", "50.0", "MB")
    ]
    chronicle.troubles.note({"level": "error", "message": "oh"})
    print_status(chronicle.view(reports, at(1000.0)).to_json(), as_json=False)
    assert "0 warnings and 1 errors since start" in capsys.readouterr().out


def test_status_as_json_is_the_whole_view(capsys: pytest.CaptureFixture[str]) -> None:
    """Rates, links and troubles included."""
    told = busy_view().to_json()
    print_status(told, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(told))
