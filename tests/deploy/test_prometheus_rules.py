"""deploy/prometheus/: the alert rules, their own tests, and the configuration that loads them."""

import re
from functools import cache
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.house.tree import ROOT
from tests.kit.promql import known_series, names_in, promtool, strange

_FOLDER = ROOT / "deploy" / "prometheus"
_OPERATIONS = ROOT / "docs" / "operations.md"
_LABEL = re.compile(r"\$labels\.(\w+)")
_IN_SAMPLE = re.compile(r'(\w+)="([^"]*)"')


@cache
def _rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((_FOLDER / "alerts.yml").read_text())
    return [rule for group in found["groups"] for rule in group["rules"]]


@cache
def _stories() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((_FOLDER / "alerts_test.yml").read_text())["tests"]
    return found


_ALERTS = [rule for rule in _rules() if "alert" in rule]
_RECORDED = frozenset(rule["record"] for rule in _rules() if "record" in rule)
alerts = pytest.mark.parametrize("alert", _ALERTS, ids=[rule["alert"] for rule in _ALERTS])


def _fired() -> list[dict[str, str]]:
    """The labels of each alert that a story expects to fire."""
    return [
        dict(_IN_SAMPLE.findall(sample["labels"]))
        for story in _stories()
        for test in story["promql_expr_test"]
        for sample in test["exp_samples"]
        if sample["labels"].startswith("ALERTS")
    ]


@pytest.mark.system
def test_the_configuration_and_its_rules_are_valid() -> None:
    """Prometheus' own checker takes both, and the configuration names the rules."""
    assert "SUCCESS" in promtool("check", "config", _FOLDER / "prometheus.yml")
    assert yaml.safe_load((_FOLDER / "prometheus.yml").read_text())["rule_files"] == ["alerts.yml"]


@pytest.mark.system
def test_each_alert_fires_when_it_should_and_only_then() -> None:
    """The stories of alerts_test.yml, told to Prometheus."""
    said = promtool("test", "rules", _FOLDER / "alerts_test.yml")
    assert "SUCCESS" in said, said


@alerts
def test_an_alert_has_a_story_in_which_it_fires(alert: dict[str, Any]) -> None:
    """With all labels that its texts show to the operator."""
    stories = [labels for labels in _fired() if labels["alertname"] == alert["alert"]]
    assert stories
    shown = set(_LABEL.findall(str(alert["annotations"])))
    assert all(shown <= set(labels) for labels in stories)


def test_the_network_that_is_well_has_everything_that_alerts_look_at() -> None:
    """No alert keeps silent there only because its series are missing."""
    [well] = [story for story in _stories() if story["name"] == "a network that is well"]
    there = {name for series in well["input_series"] for name in names_in(series["series"])}
    wanted = {name for rule in _rules() for name in names_in(rule["expr"])}
    assert wanted - _RECORDED <= there
    assert [test["exp_samples"] for test in well["promql_expr_test"]] == [[]] * 4


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.get("alert", rule.get("record")))
def test_a_rule_names_only_what_our_code_counts(rule: dict[str, Any]) -> None:
    """Series, labels, and the words that are a label's values."""
    assert strange(rule["expr"], _RECORDED) == []


def test_the_stories_name_only_what_our_code_counts() -> None:
    """A story about a series that does not exist would prove nothing."""
    series = [each["series"] for story in _stories() for each in story["input_series"]]
    known = known_series()
    assert {name for each in series for name in names_in(each)} <= known


@alerts
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    """A summary of one line, a description of sentences, a severity that pagers are routed by."""
    assert set(alert["annotations"]) == {"summary", "description"}
    assert "\n" not in alert["annotations"]["summary"]
    assert alert["annotations"]["description"].endswith(".")
    assert alert["labels"]["severity"] in {"critical", "warning"}


@alerts
def test_an_alert_is_in_the_operators_handbook(alert: dict[str, Any]) -> None:
    """docs/operations.md lists it with what to do."""
    assert f"`{alert['alert']}`" in _OPERATIONS.read_text()


def test_the_image_holds_the_configuration_and_its_rules() -> None:
    """Side by side, since the configuration names the rules by a relative path."""
    [copied] = re.findall(r"^COPY (.+)$", (_FOLDER / "Dockerfile").read_text(), re.MULTILINE)
    assert copied.endswith(" prometheus.yml alerts.yml /etc/prometheus/")


@pytest.mark.parametrize(
    "expression",
    [
        "rate(midmile_edge_requests[5m])",
        "midmile_edge_nonsense_total",
        'midmile_edge_requests_total{verdict="hti"}',
        "sum by (sight) (midmile_edge_requests_total)",
        'midmile_edge_requests_total{customer="shop"}',
        "site:midmile_edge_hits:ratio_rate5m",
    ],
)
def test_a_strange_name_is_seen(expression: str) -> None:
    """A series, a label, a label's value that there is not, a rule that is not recorded."""
    assert strange(expression) != []
