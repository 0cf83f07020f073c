from prometheus_client import CollectorRegistry

from mapping.health import ProbeOutcome
from mapping.metrics import MappingMetrics
from mapping.reply import AnswerKind, Reply, Transport


def test_what_is_counted() -> None:
    """Queries by tier, kind and transport, with their time; probes and edges by outcome."""
    registry = CollectorRegistry()
    metrics = MappingMetrics(registry)
    reply = Reply(kind=AnswerKind.REFERRAL, wire=b"", truncated=True)
    metrics.answered("top", Transport.UDP, reply, 0.0003)
    metrics.probed("west", ProbeOutcome.TIMEOUT)
    metrics.edges_up({"east": True, "west": False})
    metrics.watch_failed()
    labels = {"tier": "top", "kind": "referral", "transport": "udp"}
    read = registry.get_sample_value
    assert read("midmile_mapping_answers_total", labels) == 1
    assert read("midmile_mapping_truncated_total", {"tier": "top"}) == 1
    assert read("midmile_mapping_query_duration_seconds_sum", {"tier": "top"}) == 0.0003
    probe = {"edge": "west", "outcome": "timeout"}
    assert read("midmile_mapping_probes_total", probe) == 1
    assert read("midmile_mapping_edges_up") == 1
    assert read("midmile_mapping_edge_up", {"edge": "east"}) == 1
    assert read("midmile_mapping_edge_up", {"edge": "west"}) == 0
    assert read("midmile_mapping_watch_failures_total") == 1
