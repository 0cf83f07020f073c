"""`midmile explain`: whom it asks, how it reads the answer, and how it ends."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deploy.commands.admin_port import running_file, running_network
from deploy.commands.explain import edge_for, explain
from deploy.exits import ExitCode, Refusal
from deploy.layout import DEMO
from deploy.network import Network
from edge.explain.question import parse_url
from tests.deploy.networks import demo
from tests.kit.processes import free_ports


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.1.1:8080/", "east"),
        ("http://127.0.2.1:8080/", "west"),
        ("https://127.0.2.1:8443/", "west"),
        ("https://127.0.2.1:8080/", "east"),
        ("http://shop.localhost:8080/", "east"),
        ("localhost:8080/a", "east"),
        ("http://shop.cdn.test/", "east"),
        ("http://127.0.2.1:9/", "east"),
    ],
)
def test_the_edge_that_listens_there_is_asked(url: str, name: str) -> None:
    """By address, port and scheme; where nobody listens the first edge is."""
    assert edge_for(demo(), parse_url(url)).name == name


def test_an_edge_that_listens_everywhere_is_found_by_its_port() -> None:
    """Whatever address the URL names."""
    network = demo(
        (
            'listen = { http = ["127.0.2.1:8080"], https = ["127.0.2.1:8443"] }',
            'listen = { http = ["0.0.0.0:8081"] }\nadvertise = { http = "192.0.2.1:8081" }',
        )
    )
    assert edge_for(network, parse_url("http://192.0.2.9:8081/")).name == "west"


def test_without_a_supervisor_the_demo_is_meant(tmp_path: Path) -> None:
    """As for every command without a file."""
    assert running_file(tmp_path) == DEMO


def test_a_network_without_edges_and_parents_is_refused(tmp_path: Path) -> None:
    """There is nobody to ask."""
    file = tmp_path / "dns.toml"
    nodes = DEMO.read_text().split("[[node]]")
    kept = [each for each in nodes[1:] if 'role = "origin"' in each]
    file.write_text("[[node]]".join([nodes[0], *kept]))
    with pytest.raises(Refusal) as refused:
        running_network(file, tmp_path)
    assert refused.value.code is ExitCode.USAGE


@contextmanager
def admin(status: int, body: bytes) -> Iterator[tuple[Network, list[str]]]:
    """A network whose first admin port answers so, and what it was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']} {self.path}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield _at(server.server_port), asked
        finally:
            server.shutdown()
            thread.join()


def _at(port: int) -> Network:
    """The demo network with its first admin address there."""
    return demo(('admin = "127.0.0.1:8900"', f'admin = "127.0.0.1:{port}"'))


def ask(network: Network, **more: Any) -> None:
    """Explain a URL."""
    options: dict[str, Any] = {"node": None, "method": "GET", "headers": (), "as_json": False}
    explain(network, "shop.cdn.test/ä", **{**options, **more})


def test_the_question_reaches_the_node_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the node's own name; `--json` prints the answer as it is."""
    told = {"node": "east", "role": "edge", "answers": [], "silent": [0]}
    with admin(200, json.dumps(told).encode()) as (network, asked):
        ask(network, method="PUT", headers=["X: a&b"], as_json=True)
        assert json.loads(capsys.readouterr().out) == told
        assert asked == ["east /explain?url=shop.cdn.test%2F%C3%A4&method=PUT&header=X%3A+a%26b"]
        ask(network)
        assert capsys.readouterr().out == "no answer from worker 0\n"


@pytest.mark.parametrize(
    ("status", "body", "code", "text"),
    [
        (400, b'{"error": "wrong"}', ExitCode.USAGE, "wrong"),
        (404, b'{"error": "a DNS node"}', ExitCode.USAGE, "a DNS node"),
        (503, b'{"error": "none"}', ExitCode.FAILED, "none"),
        (404, b"404: Not Found", ExitCode.FAILED, "east answers 404"),
        (421, b"not known", ExitCode.FAILED, "is not east"),
        (200, b"[]", ExitCode.FAILED, "says nothing"),
    ],
)
def test_answers_that_explain_nothing(status: int, body: bytes, code: ExitCode, text: str) -> None:
    """One line, and the exit code that fits."""
    with admin(status, body) as (network, _), pytest.raises(Refusal, match=text) as refused:
        ask(network)
    assert refused.value.code is code


def test_a_node_that_does_not_run_is_code_4() -> None:
    """As `midmile status` without a supervisor."""
    with pytest.raises(Refusal, match=r"east does not run at .*: connection refused") as refused:
        ask(_at(free_ports(1)[0]))
    assert refused.value.code is ExitCode.BUSY


def test_what_speaks_no_http_is_no_node() -> None:
    """Another program has the port."""

    def speak(listener: socket.socket) -> None:
        there, _ = listener.accept()
        there.sendall(b"220 mail.example ESMTP\r\n")
        there.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=speak, args=(listener,))
        thread.start()
        with pytest.raises(Refusal, match="is no node"):
            ask(_at(listener.getsockname()[1]))
        thread.join()


@pytest.mark.parametrize(
    ("options", "text"), [({"node": "nobody"}, "no node 'nobody'"), ({"method": "G\nT"}, "line")]
)
def test_wrong_usage_is_told(options: dict[str, str], text: str) -> None:
    """Code 2; what only the node can judge, it judges."""
    body = json.dumps({"error": "a line end is no part of a method or a header"}).encode()
    with admin(400, body) as (network, _), pytest.raises(Refusal, match=text) as refused:
        ask(network, **options)
    assert refused.value.code is ExitCode.USAGE
