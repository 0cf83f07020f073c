"""What Docker is told about a node's health."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.healthcheck import main


@contextmanager
def _admin(status: int) -> Iterator[tuple[str, list[str]]]:
    """An admin port that answers every request with `status`; also the hosts it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Host']}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"the reason\n")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_node_that_serves_is_healthy() -> None:
    """`/readyz` says 200; it is asked for under a name that every admin port knows."""
    with _admin(200) as (address, asked):
        assert main([address]) == 0
    assert asked == ["/readyz localhost"]


def test_a_node_that_does_not_serve_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own reason is what `docker inspect` shows."""
    with _admin(503) as (address, _):
        assert main([address]) == 1
    assert capsys.readouterr().out == "503: the reason\n"


def test_a_node_that_does_not_answer_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens: one line, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    assert main([address]) == 1
    assert capsys.readouterr().out.startswith(f"{address} does not answer: ")
