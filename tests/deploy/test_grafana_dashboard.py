"""deploy/grafana/midmile.json: a dashboard that Grafana can import and that shows what there is."""

import json
import re
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from tests.kit.promql import known_series, names_in, promtool, strange

_COLUMNS = 24
_LEGEND = re.compile(r"{{(\w+)}}")
_ROWS = ["Traffic", "Errors", "Tunnel and origin", "DNS", "Processes and caches"]
_UNSEEN = {
    "midmile_deploy_build_info",  # a version, for tables
    "midmile_edge_request_seconds_sum",
    "midmile_edge_request_seconds_count",
    "midmile_mapping_edge_up",  # the status page; the panel has how many
    "midmile_mapping_query_duration_seconds_sum",
    "midmile_mapping_query_duration_seconds_count",
    "midmile_mapping_watch_failures_total",  # an alert
    "midmile_origin_request_seconds_sum",
    "midmile_origin_request_seconds_count",
    "midmile_origin_site_requests_total",  # the demo site is nobody's real origin
}
"""What no panel shows, on purpose."""


@cache
def _dashboard() -> dict[str, Any]:
    text = (ROOT / "deploy" / "grafana" / "midmile.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in _dashboard()["panels"] if panel["type"] != "row"]


def _queries() -> list[str]:
    """Every query, panels' and others'."""
    panels = [target["expr"] for panel in _panels() for target in panel["targets"]]
    return [*panels, *(each["expr"] for each in _dashboard()["annotations"]["list"])]


def _variables() -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in _dashboard()["templating"]["list"]}


def test_the_rows_are_there() -> None:
    """In the order in which one asks: what is served, what fails, where, and why."""
    titles = [panel["title"] for panel in _dashboard()["panels"] if panel["type"] == "row"]
    assert titles == _ROWS


@pytest.mark.parametrize("panel", _panels(), ids=lambda panel: panel["title"])
def test_a_panel_names_only_what_our_code_counts(panel: dict[str, Any]) -> None:
    """Its queries' series, labels and labels' values; its legend only labels of the query."""
    for target in panel["targets"]:
        assert strange(target["expr"]) == []
        kept = {*re.findall(r"\w+", target["expr"]), "instance"}
        assert set(_LEGEND.findall(target["legendFormat"])) <= kept


def test_everything_that_is_counted_is_shown() -> None:
    """Or is left out by name."""
    shown = {name for query in _queries() for name in names_in(query)}
    assert known_series() - shown == _UNSEEN


@pytest.mark.system
def test_the_queries_are_promql(tmp_path: Path) -> None:
    """Prometheus' own checker takes each, once Grafana has put its variables in."""
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(_queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_the_data_source_is_chosen_on_import() -> None:
    """No panel is tied to the Prometheus of whoever drew it."""
    assert _variables()["datasource"]["type"] == "datasource"
    sources = [panel["datasource"] for panel in _panels()]
    sources += [target["datasource"] for panel in _panels() for target in panel["targets"]]
    sources += [_variables()[name]["datasource"] for name in ("instance", "site")]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert "id" not in _dashboard()  # an instance's own number would overwrite another dashboard


def test_no_variable_is_unknown() -> None:
    """Queries use the dashboard's own variables and Grafana's rate interval."""
    used = {name for query in _queries() for name in re.findall(r"\$(\w+)", query)}
    assert used == {"instance", "site", "__rate_interval"}


def test_panels_stand_beside_each_other() -> None:
    """Each with an id of its own, within the width, none over another."""
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= _COLUMNS for place in places)
    assert not any(_overlap(one, other) for one, other in combinations(places, 2))


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )
