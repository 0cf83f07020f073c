"""What a midmile process ends with, and the error that ends it with one line."""

from enum import IntEnum

from deploy.overview.words import shortened


class ExitCode(IntEnum):
    """Exit codes of `midmile` and of its node processes."""

    OK = 0
    """Done, or stopped as asked."""
    FAILED = 1
    """Something went wrong at run time: a timeout, a crash."""
    USAGE = 2
    """The command line, the network file or the keys must be changed first."""
    ADDRESS = 3
    """An address or a file cannot be had: in use, not this machine's, no permission."""
    BUSY = 4
    """Another midmile process already does this, or the one asked for does not run."""


_LINE_CHARACTERS = 300
"""Of an exception's line: it ends on the user's screen."""

PERMANENT = frozenset({ExitCode.USAGE, ExitCode.ADDRESS, ExitCode.BUSY})
"""Codes for which trying again without a change is pointless."""


class Refusal(Exception):  # noqa: N818  it is an answer to the user, not a fault of the program
    """Ends a command: one line for the user, and the exit code."""

    def __init__(
        self, message: str, code: ExitCode = ExitCode.FAILED, *, final: bool = False
    ) -> None:
        """`final`: it has been tried often enough, whatever the code."""
        super().__init__(message)
        self.code = code
        self.final = final or code in PERMANENT
        """Whether trying again without a change is pointless."""


def in_one_line(error: BaseException) -> str:
    """An exception as the last line of its traceback names it."""
    lines = str(error).strip().splitlines()
    name = type(error).__name__
    return shortened(f"{name}: {lines[0]}" if lines else name, _LINE_CHARACTERS)


def exit_code(value: object) -> ExitCode:
    """The exit code that a child process has reported, FAILED for any other value."""
    try:
        return ExitCode(value)  # type: ignore[arg-type]
    except ValueError:
        return ExitCode.FAILED
