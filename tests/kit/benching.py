"""What tests of the benchmarks share: a place, programs that may be missing, a counting origin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

from bench import programs
from bench.place import Address, Place, place


def need_programs(*names: str) -> None:
    """Skip the test where one of these programs is missing, and say how to get it."""
    for name in names:
        try:
            programs.need(name)
        except programs.MissingProgramError as error:
            pytest.skip(str(error))


@contextmanager
def small_place() -> Iterator[Place]:
    """A place for tiny measurements that say nothing."""
    with place(smoke=True, quiet=True) as where:
        yield where


class CountingOrigin:
    """A tiny origin: everything may be kept for an hour, and `asked` says what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(self.path)
                body = b"x" * 1024
                self.send_response(200)
                self.send_header("Cache-Control", "public, max-age=3600")
                self.send_header("Content-Type", "text/plain")
                self.send_header("ETag", '"one"')
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def address(self) -> Address:
        """Where it serves."""
        return "127.0.0.1", self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
