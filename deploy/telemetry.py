"""A node's metrics: written by each of its processes, summed by its keeper.

prometheus-client's multiprocess mode keeps each process's values in memory-mapped files. Ours are
named after the worker's place (`worker-0`) instead of its pid, so the next process in that place
goes on counting where the last one ended. Metrics must be made after `activate`, and gauges with
`multiprocess_mode="livesum"` or `"livemax"`.
"""

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from deploy.exits import Refusal
from deploy.processes.runfile import private_directory

KEEPER = "keeper"

FILE_BYTES = 512 * 1024
"""Of a metrics file. A busy edge with a dozen sites uses a quarter of it."""
_KINDS = ("counter", "gauge_livemax", "gauge_livesum", "histogram")


def worker_process(index: int) -> str:
    """The name under which worker number `index` counts and logs."""
    return f"worker-{index}"


def clean(directory: Path) -> None:
    """Begin anew: what a former run of the node has counted is forgotten."""
    shutil.rmtree(directory, ignore_errors=True)
    private_directory(directory)


def activate(directory: Path, process: str) -> CollectorRegistry:
    """Let metrics made from now on live in `directory`; the registry to make them with."""
    _reserve(directory, process)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]
    return CollectorRegistry()


def _reserve(directory: Path, process: str) -> None:
    """Have the disk give all of the files' room now.

    prometheus-client only says how long they are: the first write to a page that a full disk cannot
    give ends the process with SIGBUS.
    """
    try:
        for kind in _KINDS:
            with (directory / f"{kind}_{process}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    except OSError as error:
        raise Refusal(f"no room for metrics in {directory}: {error.strerror}") from error


def forget_gauges(directory: Path, process: str) -> None:
    """A process has died: what it had open is no more; what it had counted stays."""
    mark_process_dead(process, str(directory))  # type: ignore[no-untyped-call]


def exposition(directory: Path) -> bytes:
    """All processes' metrics as Prometheus reads them, summed."""
    from prometheus_client import generate_latest

    registry = CollectorRegistry()
    registry.register(_Sum(directory))
    return generate_latest(registry)


class _Sum(Collector):
    """Collects all processes' metrics."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """The sums (prometheus-client's callback)."""
        found = files(self._directory, "*.db")
        merged: Iterable[Metric] = MultiProcessCollector.merge(found)  # type: ignore[no-untyped-call]
        return merged


def files(directory: Path, pattern: str) -> list[str]:
    """Metric files; one that a process has only just made is still empty, and cannot be read."""
    return [str(file) for file in sorted(directory.glob(pattern)) if _size(file)]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # a live gauge's, whose process has just died
        return 0


class ShellMetrics:
    """What the shell itself counts, in the keeper."""

    def __init__(self, registry: CollectorRegistry, *, version: str, role: str) -> None:
        build = Gauge(
            "midmile_deploy_build_info",
            "What runs here; always 1",
            ["version", "role"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        build.labels(version, role).set(1)
        self.start_time = Gauge(
            "midmile_deploy_start_time_seconds",
            "When this node's keeper started, Unix time",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.start_time.set(time.time())
        self.workers_ready = Gauge(
            "midmile_deploy_workers_ready",
            "Worker processes that serve",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.worker_restarts = Counter(
            "midmile_deploy_worker_restarts",
            "Worker processes that ended without having been asked to",
            ["worker"],
            registry=registry,
        )
        self.keeper_restarts = Counter(
            "midmile_deploy_keeper_restarts",
            "Keepers of this node that ended without having been asked to, since `up`",
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "midmile_deploy_certificate_expiry_timestamp_seconds",
            "When the node's tunnel certificate expires, Unix time",
            registry=registry,
            multiprocess_mode="livemax",
        )
