"""What tests of the benchmarks share: a place, programs that may be missing, a counting origin."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import programs
from bench.errors import MissingProgramError
from bench.place import Place, place
from tests.kit.webserver import WebHandler, WebServer


def need_programs(*names: str) -> None:
    """Skip the test where one of these programs is missing, and say how to get it."""
    for name in names:
        try:
            programs.need(name)
        except MissingProgramError as error:
            pytest.skip(str(error))


@contextmanager
def small_place() -> Iterator[Place]:
    """A place for tiny measurements that say nothing."""
    with place(smoke=True, quiet=True) as where:
        yield where


class CountingOrigin(WebServer):
    """A tiny origin: everything may be kept for an hour, and `asked` says what was asked for."""

    def __init__(self) -> None:
        super().__init__(_Counting)
        self.asked: list[str] = []


class _Counting(WebHandler):
    server: CountingOrigin

    def answer(self) -> None:
        self.server.asked.append(self.path)
        body = b"x" * 1024
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=3600")
        self.send_header("Content-Type", "text/plain")
        self.send_header("ETag", '"one"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
