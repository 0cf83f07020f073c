"""Event loops and keys for tests on real sockets."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.kit.delivery import keys

__all__ = ["keys"]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Nodes run on uvloop."""
    return {"uvloop": uvloop.new_event_loop}
