"""A lab's door, and who stands at it: trusted users only, and whatever they say ends nothing."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import LabError
from bench.lab import control
from bench.lab.control import Door, Remote, open_labs
from tests.kit.programs import need_root

_NOBODY = 65534
_NAME = f"control-{id(object())}"
# Whatever it hears it would answer; that it hears anything is what it tells.
_FALSE = """
import os, socket, sys
doors = []
os.setuid(int(sys.argv[1]))
for name in sys.argv[2:]:
    doors.append(socket.socket(socket.AF_UNIX))
    doors[-1].bind(b"\\0midmile-lab/" + bytes.fromhex(name))
    doors[-1].listen()
print("open", flush=True)
visitor, _ = doors[0].accept()
print(visitor.recv(100), flush=True)
"""


def _answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    match request["do"]:
        case "fail":
            raise ArithmeticError
        case "change":
            return dict(request["links"].items())
    return {"heard": request["do"]}


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    """An open door."""
    door, ending = Door(_NAME, _answer), threading.Event()

    def serve() -> None:
        while not ending.is_set():
            for descriptor in select.select(door.descriptors(), (), (), 0.05)[0]:
                door.serve(descriptor)

    thread = threading.Thread(target=serve)
    thread.start()
    yield _NAME
    ending.set()
    thread.join()
    for visitor, _ in door._visitors.values():
        visitor.close()
    door._listener.close()


@contextmanager
def _answering(name: str, answer: bytes) -> Iterator[None]:
    """A door of ours that says this to one who asks."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0midmile-lab/{name}")
        listener.listen()

        def serve() -> None:
            visitor, _ = listener.accept()
            with visitor:
                visitor.recv(1000)
                try:
                    visitor.sendall(answer)
                except OSError:  # the visitor has heard enough
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_another_user_s_door_is_neither_asked_nor_listed(door: str) -> None:
    """It looks like a lab's, but anybody may have put it up."""
    need_root()
    with subprocess.Popen(
        [sys.executable, "-c", _FALSE, str(_NOBODY), b"false-lab".hex()], stdout=subprocess.PIPE
    ) as false:
        assert false.stdout is not None
        assert false.stdout.readline() == b"open\n"
        with pytest.raises(LabError, match="another user's"):
            Remote("false-lab")
        assert false.stdout.readline() == b"b''\n"
        assert false.wait(20) == 0
    listed = open_labs()
    assert door in listed
    assert "false-lab" not in listed


def test_only_plain_names_are_listed(door: str) -> None:
    """Whatever bytes others put up as names, none reaches a terminal."""
    odd = (b"\x1b[31mred", b"\xff\xfe", b"line\n@midmile-lab/next", b"Upper", b"a b", b"", b"x/y")
    with subprocess.Popen(
        [sys.executable, "-c", _FALSE, str(os.geteuid()), *(name.hex() for name in odd)],
        stdout=subprocess.PIPE,
    ) as false:
        assert false.stdout is not None
        assert false.stdout.readline() == b"open\n"
        try:
            listed = open_labs()
        finally:
            false.terminate()
    assert door in listed
    assert all(name.isascii() and name.isprintable() and " " not in name for name in listed)
    assert not {"next", "b", "y", ""} & {*listed}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"no json\n", "no JSON"),
        (b"[" * 200_000 + b"\n", "no JSON"),
        (b"[1]\n", "no JSON object"),
        (b'{"error": {"a": 1}}\n', r"\{'a': 1\}"),
        (b"\xff\xfe\n", "no JSON"),
        (b"", "does not answer"),
        (b"x" * 5000, "has no end"),
    ],
)
def test_an_odd_answer_is_one_error(
    answer: bytes, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a lab of another version, say; an endless one is not kept."""
    if not answer.endswith(b"\n"):
        monkeypatch.setattr(control, "_LONGEST_ANSWER", 4000)
    with (
        _answering("odd", answer),
        closing(Remote("odd")) as remote,
        pytest.raises(LabError, match=problem),
    ):
        remote.ask(do="describe")


@pytest.mark.parametrize("line", [b"[" * 200_000, b"[]", b"null", b"1", b'"x"', b"", b"\xff", b"{"])
def test_a_door_answers_nonsense_with_an_error(door: str, line: bytes) -> None:
    """And goes on for those who ask well."""
    assert "error" in _said(door, line)
    assert _said(door, b'{"do": "describe"}') == {"heard": "describe"}


@pytest.mark.parametrize(
    "request_", [{"do": "change", "links": "x"}, {"do": "change"}, {"do": "fail"}, {}]
)
def test_a_door_survives_what_its_lab_cannot_do(door: str, request_: dict[str, object]) -> None:
    """Whatever is raised by answering, the lab's packets are carried on."""
    assert "error" in _said(door, json.dumps(request_).encode())


_JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(do=_JSON, links=_JSON)
def test_a_door_survives_any_request(door: str, do: object, links: object) -> None:
    """One line of JSON each time."""
    assert _said(door, json.dumps({"do": do, "links": links}).encode()) is not None


def _said(name: str, line: bytes) -> dict[str, object]:
    with closing(Remote(name)) as remote:
        remote._socket.sendall(line + b"\n")
        said: dict[str, object] = json.loads(remote._line())
        return said
