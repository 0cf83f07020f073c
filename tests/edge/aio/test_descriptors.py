"""Limits that follow from how many files a process may open."""

import logging
import resource
from collections.abc import Iterator

import pytest

from edge.aio.descriptors import SPARE_DESCRIPTORS, fitted
from edge.config import Limits


@pytest.fixture
def few() -> Iterator[int]:
    """This process may open 1,700 files and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_700 + SPARE_DESCRIPTORS, hard))
    yield 1_700
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_few_descriptors(few: int, caplog: pytest.LogCaptureFixture) -> None:
    """Clients get as many as the way to the next hop, copies the rest; the operator is told."""
    given = Limits(connections=8_000, upstream_connections=4_000, connections_per_client=800)
    limits = fitted(given)
    assert (limits.connections, limits.upstream_connections) == (800, 800)
    assert limits.connections + limits.upstream_connections + limits.copies == few
    assert limits.connections_per_client == 80
    (record,) = caplog.records
    assert (record.levelno, record.__dict__["event"]) == (logging.WARNING, "few-descriptors")


@pytest.mark.usefixtures("few")
def test_enough_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    """Limits that fit stay as they are, without a word."""
    limits = Limits(connections=800, upstream_connections=10)
    assert fitted(limits) == limits
    assert caplog.records == []
