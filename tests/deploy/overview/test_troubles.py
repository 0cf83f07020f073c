"""The last warnings and errors."""

from deploy.overview.troubles import KEPT, TEXT_CHARACTERS, Troubles


def line(message: str, level: str = "error", **more: object) -> dict[str, object]:
    """A log record."""
    return {"time": "2026-11-22T12:00:00.000Z", "level": level, "message": message, **more}


def test_only_warnings_and_worse_are_kept() -> None:
    """Counted by level, newest first."""
    troubles = Troubles()
    for level in ("info", "warning", "debug", "error", "critical"):
        troubles.note(line(level, level))
    assert [each.text for each in troubles.last()] == ["critical", "error", "warning"]
    assert (troubles.warnings, troubles.errors) == (1, 2)


def test_what_comes_again_is_one_line() -> None:
    """With how often it came, and when last."""
    troubles = Troubles()
    for second in range(3):
        troubles.note(line("again", time=f"2026-11-22T12:00:0{second}.000Z"))
    troubles.note(line("again", node="west"))
    assert [each.times for each in troubles.last()] == [1, 3]
    assert troubles.last()[1].time.endswith("02.000Z")
    assert troubles.errors == 4


def test_what_comes_again_among_others_is_one_line() -> None:
    """Two texts that alternate wash out nothing else; the one that came last stands first."""
    troubles = Troubles()
    troubles.note(line("worth reading"))
    for number in range(KEPT * 2):
        troubles.note(line("one" if number % 2 else "another"))
    told = [(each.text, each.times) for each in troubles.last()]
    assert told == [("one", KEPT), ("another", KEPT), ("worth reading", 1)]


def test_one_noisy_kind_leaves_room_for_the_others() -> None:
    """However many texts one event of one node has, its own oldest give way."""
    troubles = Troubles()
    for node in ("east", "west", "top"):
        troubles.note(line("worth reading", node=node, event="noisy"))
        troubles.note(line("this too", node="parent", event=node))
    for number in range(KEPT * 2):
        troubles.note(line(f"noise {number}", node="parent", event="noisy"))
    told = [each.text for each in troubles.last()]
    assert len(told) == KEPT
    assert told[-6:] == ["this too", "worth reading"] * 3
    assert told[0] == f"noise {KEPT * 2 - 1}"


def test_what_is_kept_is_bounded() -> None:
    """In lines and in their length, whatever is in a record."""
    troubles = Troubles()
    for number in range(KEPT * 2):
        troubles.note(line(f"{number} " + "x" * 10_000, event={"odd": ["y" * 9_999]}))
    troubles.note({"level": ["error"]})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    troubles.note(line("deep", "error", event=deep, process=10**5000))
    assert troubles.last()[0].event == "(list)"
    troubles.note({"level": "error"})
    last = troubles.last()
    assert len(last) == KEPT
    assert max(len(each.text) for each in last) == TEXT_CHARACTERS
    assert last[0].text == last[0].node == ""


def test_a_traceback_s_last_line_names_the_fault() -> None:
    """The rest of it is in the log."""
    troubles = Troubles()
    troubles.note(line("a request failed", error="Traceback ...\n  File\nKeyError: 'x'\n"))
    assert troubles.last()[0].text == "a request failed: KeyError: 'x'"
