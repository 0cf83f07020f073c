"""What goes wrong under load."""


class LoadError(Exception):
    """What was measured is not what was meant: answers were wrong or missing."""
