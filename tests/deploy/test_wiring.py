"""The plan of a network, as the supervisor gets it."""

from pathlib import Path

from deploy.wiring import read_plan
from tests.deploy.networks import changed


def test_who_asks_stops_first(tmp_path: Path) -> None:
    """So nobody misses whom it asks: DNS servers probe edges, edges ask parents, these origins."""
    plan = read_plan(changed(), tmp_path / "demo.toml", tmp_path)
    stages: dict[int, set[str]] = {}
    for node in plan.nodes:
        stages.setdefault(node.stop_stage, set()).add(node.role)
    assert [stages[number] for number in sorted(stages)] == [
        {"top", "low"},
        {"edge"},
        {"parent"},
        {"origin"},
    ]
