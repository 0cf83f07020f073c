"""Those who use the containers in the tests: one who types `docker compose up`, one who visits."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.containers.docker import PUBLISHED, Engine

UNCACHEABLE = "/objects/8KB-uncacheable"
_LINE = re.compile(r"^\S+ +\| (?P<log>\{.*\})$")


class Terminal:
    """`docker compose up` in the foreground: its output is read, and Ctrl-C can be typed."""

    def __init__(self, engine: Engine) -> None:
        self._transcript = engine.transcript
        self._line = engine.line("up", "--no-color")
        self._transcript.add(self._line, "(in a terminal of its own; what it showed: below)")
        self._process = engine.foreground(self._line)
        self._lines: list[str] = []
        self._ready: set[str] = set()
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def until_ready(self, nodes: set[str], within_s: float) -> None:
        """Wait until each of these nodes has logged that it is ready."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or nodes <= self._ready, within_s)
            missing = nodes - self._ready
        assert not missing, f"not ready: {sorted(missing)}\n{self.output}"

    def interrupt(self, within_s: float) -> int:
        """Ctrl-C, once; the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(within_s)

    def close(self) -> None:
        """End it however it is."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._transcript.add(self._line, "".join(self._lines))

    @property
    def output(self) -> str:
        """The last of what it printed."""
        return "".join(self._lines[-60:])

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            for line in stream:
                self._heed(line)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _heed(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            match = _LINE.match(line.rstrip())
            log = json.loads(match["log"]) if match else {}
            if log.get("event") == "ready":
                self._ready.add(log["node"])
                self._changed.notify_all()


class Visitors:
    """A light load of GET requests that no cache may answer."""

    def __init__(self, count: int) -> None:
        self.failures: list[str] = []
        self._done = 0
        self._changed = threading.Condition()
        self._leaving = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(n,)) for n in range(count)]

    def visits(self, count: int, within_s: float) -> None:
        """Wait for `count` more visits, good or bad."""
        with self._changed:
            wanted = self._done + count
            assert self._changed.wait_for(lambda: self._done >= wanted, within_s), self._done

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """End the visits under way and make no more."""
        self._leaving.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, visitor: int) -> None:
        number = 0
        while not self._leaving.wait(0.05):
            number += 1
            fault = _fault(f"{UNCACHEABLE}?visit={visitor}.{number}")
            with self._changed:
                self._done += 1
                self.failures += [fault] if fault else []
                self._changed.notify_all()


def _fault(target: str) -> str | None:
    """What is wrong with the answer to one request at the east edge; None: nothing."""
    connection = http.client.HTTPConnection(PUBLISHED, 8080, timeout=20)
    try:
        connection.request("GET", target, headers={"Host": "shop.cdn.test"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{target}: {error!r}"
    finally:
        connection.close()
    good = response.status == http.HTTPStatus.OK and len(body) == 8_192
    return None if good else f"{target}: {response.status}, {len(body)} bytes"


@contextmanager
def visiting(count: int = 4) -> Iterator[Visitors]:
    """Visitors for as long as the block runs."""
    visitors = Visitors(count)
    visitors.start()
    try:
        yield visitors
    finally:
        visitors.leave()


@contextmanager
def terminal(engine: Engine) -> Iterator[Terminal]:
    """A terminal in which `docker compose up` was typed."""
    opened = Terminal(engine)
    try:
        yield opened
    except subprocess.TimeoutExpired as error:
        raise AssertionError(opened.output) from error
    finally:
        opened.close()
