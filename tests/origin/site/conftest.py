"""A shop that runs for all tests of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kit.shop import Client, Clock, open_shop


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The shop's clock."""
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> AsyncIterator[Client]:
    """A client of a running shop whose event stream ticks quickly."""
    async with open_shop(tmp_path_factory.mktemp("home"), clock) as client:
        yield client
