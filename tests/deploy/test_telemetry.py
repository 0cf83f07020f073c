"""Metrics of a node's processes, summed."""

import subprocess
import sys
from pathlib import Path

from deploy import telemetry

COUNT = """
import sys
from pathlib import Path
from prometheus_client import Counter, Gauge, Histogram
from deploy import telemetry
registry = telemetry.activate(Path(sys.argv[1]), sys.argv[2])
requests = Counter("midmile_edge_requests", "Requests", ["verdict"], registry=registry)
requests.labels("hit").inc(3)
requests.labels("miss").inc()
Gauge("midmile_edge_open", "Open", registry=registry, multiprocess_mode="livesum").set(5)
Histogram("midmile_edge_seconds", "Time", registry=registry, buckets=[1]).observe(0.5)
"""


def count_in(directory: Path, process: str) -> None:
    """Let a process of that name count."""
    subprocess.run([sys.executable, "-c", COUNT, str(directory), process], check=True)


def test_processes_are_summed_and_successors_count_on(tmp_path: Path) -> None:
    """Two workers, one of them twice: counters and histograms add up, gauges are of the living."""
    directory = tmp_path / "metrics"
    telemetry.clean(directory)
    for process in ("worker-0", "worker-1", "worker-1"):
        count_in(directory, process)
    telemetry.forget_gauges(directory, "worker-1")
    text = telemetry.exposition(directory).decode()
    assert 'midmile_edge_requests_total{verdict="hit"} 9.0' in text
    assert "midmile_edge_seconds_count 3.0" in text
    assert "midmile_edge_open 5.0" in text


def test_a_file_just_made_is_no_obstacle(tmp_path: Path) -> None:
    """A process that is making its files does not break the metrics of the others."""
    telemetry.clean(tmp_path / "metrics")
    count_in(tmp_path / "metrics", "worker-0")
    (tmp_path / "metrics" / "counter_worker-1.db").touch()
    assert b"midmile_edge_requests_total" in telemetry.exposition(tmp_path / "metrics")


def test_a_new_run_starts_at_zero(tmp_path: Path) -> None:
    """What a former keeper counted is gone after `clean`."""
    telemetry.clean(tmp_path / "metrics")
    count_in(tmp_path / "metrics", "worker-0")
    telemetry.clean(tmp_path / "metrics")
    assert b"midmile_edge" not in telemetry.exposition(tmp_path / "metrics")


def test_a_full_disk_cannot_end_a_process_that_counts(tmp_path: Path) -> None:
    """The files have all their room from the start: a page the disk lacks would mean SIGBUS."""
    telemetry.clean(tmp_path / "metrics")
    count_in(tmp_path / "metrics", "worker-0")
    files = list((tmp_path / "metrics").iterdir())
    assert {file.name.partition("_")[0] for file in files} == {"counter", "gauge", "histogram"}
    for file in files:
        # st_blocks are 512 bytes; a file with holes has fewer than its length needs.
        assert file.stat().st_blocks * 512 >= file.stat().st_size == telemetry.FILE_BYTES
