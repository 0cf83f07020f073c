"""What a heartbeat tells of a node's traffic."""

import os
import subprocess
import sys
from pathlib import Path

from deploy import telemetry
from deploy.processes.usage import Usage, usage
from deploy.traffic import Counts, Traffic, Upstream, traffic

COUNT = """
import sys
from pathlib import Path
from deploy import telemetry
from edge.errors import UpstreamReason
from edge.metrics import Direction, EdgeMetrics, Peer
metrics = EdgeMetrics(telemetry.activate(Path(sys.argv[1]), sys.argv[2]))
for status, verdict in ((200, "hit"), (200, "hit"), (200, "miss"), (502, "miss")):
    metrics.request_began()
    metrics.request_ended(site="shop", status=status, verdict=verdict, seconds=0.1)
metrics.request_began()
metrics.connection_opened(Peer.CLIENT)
metrics.moved(Direction.CLIENT_OUT, 1000)
metrics.moved(Direction.UPSTREAM_IN, 300)
metrics.cache_is(size_bytes=50, objects=2, evictions=0)
metrics.upstream_answered("parent-b", recovered=False)
metrics.upstream_failed("parent-a", UpstreamReason.CLOSED)
"""


def test_processes_are_summed(tmp_path: Path) -> None:
    """By process, by site, by upstream; what a dead process had open is no more."""
    directory = tmp_path / "metrics"
    telemetry.clean(directory)
    for process in ("worker-0", "worker-1"):
        subprocess.run([sys.executable, "-c", COUNT, str(directory), process], check=True)
    telemetry.forget_gauges(directory, "worker-1")
    one, both = Counts(requests=4, hits=2, errors=1), Counts(requests=8, hits=4, errors=2)
    assert traffic(directory) == Traffic(
        total=both,
        processes={"worker-0": one, "worker-1": one},
        sites={"shop": both},
        upstreams={"parent-a": Upstream(0, 2, 1), "parent-b": Upstream(2, 0, 0)},
        served_bytes=2000,
        fetched_bytes=600,
        connections=1,
        in_flight=1,
        cache_bytes=50,
        cache_objects=2,
    )


def test_dns_queries_have_no_hits() -> None:
    """Answers count as requests, probes as attempts, and only SERVFAIL is a fault of ours."""
    found = Traffic()
    for kind in ("answer", "nxdomain", "servfail"):
        labels = {"tier": "low", "kind": kind, "transport": "udp"}
        found.take("worker-0", "midmile_mapping_answers_total", labels, 2)
    for outcome in ("ok", "timeout"):
        labels = {"edge": "east", "outcome": outcome}
        found.take("keeper", "midmile_mapping_probes_total", labels, 3)
    found.take("keeper", "midmile_mapping_edge_up", {"edge": "east"}, 0)
    assert found.total == Counts(requests=6, hits=None, errors=2)
    assert found.upstreams == {"east": Upstream(answers=3, failures=3, named=False)}


def test_what_others_count_is_passed_over(tmp_path: Path) -> None:
    """The shell's own numbers are no requests; an empty folder and an empty file tell nothing."""
    telemetry.clean(tmp_path / "metrics")
    assert traffic(tmp_path / "metrics") == Traffic()
    (tmp_path / "metrics" / "counter_worker-1.db").touch()
    found = traffic(tmp_path / "metrics")
    found.take("keeper", "midmile_deploy_worker_restarts_total", {"worker": "0"}, 3)
    assert found == Traffic()


def test_a_process_s_use_of_cpu_and_memory() -> None:
    """Of a live process more than nothing; of none nothing."""
    own = usage(os.getpid())
    assert own.cpu_s > 0
    assert own.rss_bytes > 1_000_000
    assert usage(None) == Usage()
    assert usage(2**22 + 1) == Usage()  # above the largest pid there can be
