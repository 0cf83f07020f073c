"""The clocks of the machine, for the cores that are told what time it is."""

import time

from edge.moment import Moment


def now() -> Moment:
    """This instant."""
    return Moment(wall_s=time.time(), mono_s=time.monotonic())
