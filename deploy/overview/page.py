"""From a view to HTML: the page as a whole, and the parts of it that change.

Everything is escaped by Jinja2; log lines and names of a stranger's making are text and nothing
else. What cannot be printed is shown by its number, as on a terminal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log10
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.logs.screen import harmless
from deploy.overview import words
from deploy.overview.graph import Graph, graph
from deploy.overview.layout import Box, Curve, Direction, Picture, lay_out
from deploy.overview.topology import LinkKind, Topology
from deploy.overview.view import LinkState, LinkView, NodeView, View

TEMPLATES = Path(__file__).parent / "templates"
PARTS = ("head", "totals", "picture", "nodes", "links", "sites", "troubles")
"""Templates of what changes, each the content of the element with that id."""
MOST_TROUBLES = 40
"""Of the last ones; the JSON has all that are kept."""
_NAME_CHARACTERS = 21
"""Of a station's name in the picture; the table has it whole."""

ROLES = {"top": "top-level DNS", "low": "low-level DNS"}
"""Roles whose names in the network file are no words of their own."""
LEAST_STEPS = 20
"""A network that has just started has its curve across the whole width all the same."""
SPARK = (260.0, 44.0)
ROW_SPARK = (96.0, 18.0)
REFRESH_S = 5
"""For browsers without scripts."""

Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A curve with what is known of its link."""

    curve: Curve
    link: LinkView
    width: float
    label: str


class Pages:
    """Renders one network's views."""

    def __init__(self, topology: Topology) -> None:
        found = (lay_out(topology, direction) for direction in Direction)
        self._pictures = [picture for picture in found if picture is not None]
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "count": words.count,
            "rate": words.rate,
            "size": words.size,
            "ratio": words.ratio,
            "share": words.share,
            "duration": words.duration,
            "answers": lambda node: words.answers(node.named_by, node.left_out_by),
            "harmless": harmless,
            "station": lambda name: words.shortened(name, _NAME_CHARACTERS),
        }
        self._parts = {name: environment.get_template(f"{name}.html") for name in PARTS}
        self._page = environment.get_template("page.html")

    def parts(self, view: View) -> Parts:
        """The HTML of each part, by its element's id."""
        values = {
            "view": view,
            "pictures": [self._picture(picture, view) for picture in self._pictures],
            "sparks": _sparks(view),
            "node_sparks": {node.name: _node_spark(node) for node in view.nodes},
            "roles": ROLES,
            "spark": SPARK,
            "row_spark": ROW_SPARK,
            "troubles": view.troubles.last[:MOST_TROUBLES],
        }
        return {name: template.render(values) for name, template in self._parts.items()}

    def page(self, view: View, parts: Parts) -> str:
        """The whole page."""
        return self._page.render(view=view, parts=parts, refresh_s=REFRESH_S)

    def _picture(self, picture: Picture, view: View) -> Mapping[str, object]:
        nodes = {node.name: node for node in view.nodes}
        links = {(link.source, link.target, link.kind): link for link in view.links}
        return {
            "picture": picture,
            "boxes": [
                (box, nodes.get(box.station.name), _foreign(box, view)) for box in picture.boxes
            ],
            "curves": list(_drawn(picture, links)),
        }


def _drawn(
    picture: Picture, links: Mapping[tuple[str, str, LinkKind], LinkView]
) -> Iterator[_Drawn]:
    """Curves with what passes there; what fails is drawn last, above the others."""
    rows = []
    for curve in picture.curves:
        key = curve.link.source, curve.link.target, curve.link.kind
        link = links[key]
        busy = link.requests_per_s > 0 and link.kind is not LinkKind.PROBE
        label = f"{words.rate(link.requests_per_s)}/s" if busy else ""
        if link.state is LinkState.FAILING:
            label = "fails"
        rows.append(_Drawn(curve=curve, link=link, width=_width(link), label=label))
    order = list(LinkState)
    return iter(sorted(rows, key=lambda row: order.index(row.link.state)))


def _width(link: LinkView) -> float:
    """Ten times as much is drawn a pixel wider."""
    if link.kind is LinkKind.PROBE or not link.requests_per_s:
        return 1.5
    return round(min(6.0, 2.2 + max(0.0, log10(link.requests_per_s))), 1)


def _foreign(box: Box, view: View) -> LinkState:
    """How those who ask it find a station that is no node of ours."""
    states = {link.state for link in view.links if link.target == box.station.name}
    for state in (LinkState.FAILING, LinkState.FLOWING, LinkState.IDLE):
        if state in states:
            return state
    return LinkState.UNTOLD


def _sparks(view: View) -> Mapping[str, Graph]:
    history, (width, height) = view.history, SPARK
    steps = max(LEAST_STEPS, len(history.requests_per_s))
    most = max(history.requests_per_s, default=0.0) * 1.1
    errors = [each or None for each in history.errors_per_s]  # no line where there are none
    return {
        "requests": graph(history.requests_per_s, width, height, top=most, steps=steps),
        "errors": graph(errors, width, height, top=most, steps=steps),
        "hit_ratio": graph(history.hit_ratio, width, height, top=1.04, steps=steps),
    }


def _node_spark(node: NodeView) -> Graph:
    most, steps = max(node.history, default=0.0) * 1.1, max(LEAST_STEPS, len(node.history))
    return graph(node.history, *ROW_SPARK, top=most, steps=steps)
