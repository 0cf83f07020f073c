"""Limits that follow from how many files a process may open."""

import logging
import resource
from collections.abc import Iterator

import pytest

from edge.aio.descriptors import SPARE_DESCRIPTORS, fitted
from edge.config import Limits


@pytest.fixture
def few() -> Iterator[int]:
    """This process may open 1,000 connections and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_000 + SPARE_DESCRIPTORS, hard))
    yield 1_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_few_descriptors(few: int, caplog: pytest.LogCaptureFixture) -> None:
    """Clients get one half, the way to the next hop the other, and the operator is told."""
    given = Limits(connections=8_000, upstream_connections=4_000, connections_per_client=800)
    limits = fitted(given)
    assert (limits.connections, limits.upstream_connections) == (few // 2, few // 2)
    assert limits.connections_per_client == few // 20
    (record,) = caplog.records
    assert (record.levelno, record.__dict__["event"]) == (logging.WARNING, "few-descriptors")


def test_enough_descriptors(few: int, caplog: pytest.LogCaptureFixture) -> None:
    """Limits that fit stay as they are, without a word."""
    limits = Limits(connections=few // 2, upstream_connections=10)
    assert fitted(limits) == limits
    assert caplog.records == []
