"""Why there are no numbers: each is one line for a person, said by whoever runs measurements."""


class BenchError(Exception):
    """Something could not be measured."""


class MissingProgramError(BenchError):
    """A program is not here; the message says how to get it."""


class NotReadyError(BenchError):
    """A program did not do in time what it was started for."""


class LabError(BenchError):
    """The lab cannot do something."""


class LoadError(BenchError):
    """What was measured is not what was meant: answers were wrong or missing."""


class SpoiltError(BenchError):
    """Something that has nothing to do with a contestant went wrong: the run is to be repeated."""
