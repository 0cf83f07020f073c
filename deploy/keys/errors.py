"""Why the keys of a network cannot be made, read or used: always one line for the operator."""


class KeysError(Exception):
    """Says what is wrong, with which file, and what to do."""


class KeysBusyError(KeysError):
    """Another run is making keys in the same state directory."""
