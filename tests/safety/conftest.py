"""The event loop that nodes run on, and their keys."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.kit.delivery import keys

__all__ = ["keys"]


def pytest_asyncio_loop_factories(
    config: pytest.Config,
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """As in production."""
    return {"uvloop": uvloop.new_event_loop}
