"""Why the keys of a network cannot be made, read or used: always one line for the operator."""

from deploy.exits import ExitCode, Refusal


class KeysError(Refusal):
    """Says what is wrong, with which file, and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message, code)


class KeysBusyError(KeysError):
    """Another run is making keys in the same state directory."""
