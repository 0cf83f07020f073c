"""Event loops, keys and a way upstream for tests on real sockets."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.edge.aio.asking import upstream
from tests.kit.delivery import keys

__all__ = ["keys", "upstream"]

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]
_UVLOOP: Loops = {"uvloop": uvloop.new_event_loop}
_OF_CONNECTIONS = frozenset({"test_hits.py", "test_http1.py", "test_refusals.py"})
_BOTH: Loops = {**_UVLOOP, "asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Loops:
    """Nodes run on uvloop; what touches transports must hold on asyncio's own loop too."""
    return _BOTH if item.path.name in _OF_CONNECTIONS else _UVLOOP
