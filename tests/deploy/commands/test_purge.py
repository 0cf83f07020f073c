"""`midmile purge`: which parent it asks, what it prints, and how it ends."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deploy.commands.purge import purge
from deploy.exits import ExitCode, Refusal
from deploy.layout import admin_token, node_home
from deploy.network import Network
from tests.deploy.networks import demo
from tests.kit.processes import free_ports

ALL = {"site": "shop"}
DONE: Mapping[str, Any] = {"done": ["parent-a", "east"], "missing": {}}
Asked = list[tuple[str | None, str | None, object]]


@contextmanager
def admin(status: int, told: Mapping[str, Any]) -> Iterator[tuple[int, Asked]]:
    """An admin port that answers so, and the name, token and words it was asked with."""
    asked: Asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.headers["Host"], self.headers["Authorization"], json.loads(body)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def network(*ports: int) -> Network:
    """The demo network with its parents' admin ports there."""
    nodes = [f'name = "{name}"\nrole = "parent"' for name in ("parent-a", "parent-b")]
    changes = zip(nodes, ports, strict=True)
    return demo(*((node, f'{node}\nadmin = "127.0.0.1:{port}"') for node, port in changes))


def tokens(state: Path, *names: str) -> Path:
    """A state directory in which these nodes have left their tokens."""
    for name in names:
        home = node_home(state, name)
        home.mkdir(parents=True)
        admin_token(home).write_text(f"secret of {name}\n")
    return state


def test_the_first_parent_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its own token, and nobody else: it speaks for all nodes."""
    state = tokens(tmp_path, "parent-a", "parent-b")
    with admin(200, DONE) as (first, asked), admin(200, DONE) as (second, others):
        purge(network(first, second), state, ALL)
    assert asked == [("parent-a", "Bearer secret of parent-a", ALL)]
    assert others == []
    assert capsys.readouterr().out == "parent-a: done\neast: done\n"


def test_who_has_not_done_it_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason, and code 1."""
    told = {"done": ["parent-a"], "missing": {"east": "not heard of for 7 s", "west": "too slow"}}
    with admin(202, told) as (first, _), pytest.raises(Refusal) as refused:
        purge(network(first, *free_ports(1)), tokens(tmp_path, "parent-a"), ALL)
    assert refused.value.code is ExitCode.FAILED
    assert str(refused.value).startswith("not done yet by east, west")
    out = capsys.readouterr().out
    assert out == "parent-a: done\neast: not heard of for 7 s\nwest: too slow\n"


def test_another_parent_is_asked_where_the_first_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why the first one could not be asked is told, and is no failure."""
    state = tokens(tmp_path, "parent-a", "parent-b")
    with admin(200, DONE) as (second, asked):
        purge(network(*free_ports(1), second), state, ALL)
    assert asked == [("parent-b", "Bearer secret of parent-b", ALL)]
    assert capsys.readouterr().out.startswith("parent-a does not run at 127.0.0.1:")


def test_another_parent_is_asked_where_the_first_runs_elsewhere(tmp_path: Path) -> None:
    """It has no token here."""
    with admin(200, DONE) as (first, others), admin(200, DONE) as (second, asked):
        purge(network(first, second), tokens(tmp_path, "parent-b"), ALL)
    assert (len(others), len(asked)) == (0, 1)


def test_another_parent_is_asked_where_the_first_cannot_keep_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has not done it, and says why."""
    state = tokens(tmp_path, "parent-a", "parent-b")
    full = {"error": "the disk is full"}
    with admin(500, full) as (first, _), admin(200, DONE) as (second, asked):
        purge(network(first, second), state, ALL)
    assert len(asked) == 1
    assert capsys.readouterr().out.startswith("parent-a: the disk is full\n")


def test_what_nobody_could_purge_is_asked_once(tmp_path: Path) -> None:
    """Another parent would say the same."""
    state = tokens(tmp_path, "parent-a", "parent-b")
    wrong = {"error": "there is no site 'bank'"}
    with (
        admin(400, wrong) as (first, _),
        admin(200, DONE) as (second, others),
        pytest.raises(Refusal, match="no site 'bank'") as refused,
    ):
        purge(network(first, second), state, {"site": "bank"})
    assert (refused.value.code, others) == (ExitCode.USAGE, [])


def test_nobody_to_ask_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each parent with the reason."""
    with pytest.raises(Refusal, match="no parent could be asked"):
        purge(network(*free_ports(2)), tmp_path, ALL)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" does not run with")[0] for line in lines] == ["parent-a", "parent-b"]
