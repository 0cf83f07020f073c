"""A small web server in threads of its own, for clients and browsers that a test tries out."""

import socket
import ssl
import sys
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Self

from bench.certificate import Pair
from bench.lab.running import Host
from bench.place import Address


class WebHandler(BaseHTTPRequestHandler):
    """Keeps connections and logs nothing; what it answers to GET is the test's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer a GET."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """What the library calls."""
        self.answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class WebServer(ThreadingHTTPServer):
    """Serves for the time of a `with`: TLS with a certificate, at a lab's host or on loopback."""

    request_queue_size = 100

    def __init__(
        self, handler: type[WebHandler], *, pair: Pair | None = None, host: Host | None = None
    ) -> None:
        """It listens already; a subclass adds what its handler looks at."""
        at = "127.0.0.1" if host is None else host.ipv4
        with nullcontext() if host is None else host.entered():
            super().__init__((at, 0), handler)
        self._context = None
        if pair is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(pair.certificate, pair.key)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def server_bind(self) -> None:
        """Without asking for the address's name: a lab has no DNS."""
        TCPServer.server_bind(self)

    @property
    def address(self) -> Address:
        """Where it serves."""
        host, port = self.socket.getsockname()[:2]
        return host, port

    def get_request(self) -> tuple[socket.socket, Address]:
        """The next connection; its handshake happens when its own thread first reads."""
        accepted, client = super().get_request()
        if self._context is None:
            return accepted, client
        return self._context.wrap_socket(
            accepted, server_side=True, do_handshake_on_connect=False
        ), client

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not like the certificate, is no error of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
