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


def test_what_comes_again_at_once_is_one_line() -> None:
    """With how often it came, and when last."""
    troubles = Troubles()
    for second in range(3):
        troubles.note(line("again", time=f"2026-11-22T12:00:0{second}.000Z"))
    troubles.note(line("again", node="west"))
    assert [each.times for each in troubles.last()] == [1, 3]
    assert troubles.last()[1].time.endswith("02.000Z")
    assert troubles.errors == 4


def test_the_ring_is_bounded() -> None:
    """In lines and in their length, whatever is in a record."""
    troubles = Troubles()
    for number in range(KEPT * 2):
        troubles.note(line(f"{number} " + "x" * 10_000, event={"odd": ["y" * 9_999]}))
    troubles.note({"level": ["error"]})
    troubles.note({"level": "error"})
    last = troubles.last()
    assert len(last) == KEPT
    assert max(len(each.text) for each in last) == TEXT_CHARACTERS + 1
    assert last[0].text == last[0].node == ""


def test_a_traceback_s_last_line_names_the_fault() -> None:
    """The rest of it is in the log."""
    troubles = Troubles()
    troubles.note(line("a request failed", error="Traceback ...\n  File\nKeyError: 'x'\n"))
    assert troubles.last()[0].text == "a request failed: KeyError: 'x'"
