"""The page's HTML: what is in it, and what cannot get in."""

import re
from xml.etree import ElementTree as ET

from deploy.overview.page import PARTS, Pages
from deploy.overview.topology import Topology
from tests.deploy.overview.samples import HOSTILE, at, beat, busy, busy_view, report, topology


def _whole() -> str:
    pages, view = Pages(topology()), busy_view()
    return pages.page(view, pages.parts(view))


def test_the_page_shows_every_node_and_number() -> None:
    """Names, rates, ratios; each part in the element that is called so."""
    html = _whole()
    for text in ("shop-origin", "top-level DNS", "80.0 %", "75.0 %", "None. All quiet."):
        assert text in html
    assert 'id="requests-per-s">10.0<' in html
    assert [name for name in PARTS if f'id="{name}"' not in html] == []
    assert len(re.findall(r'<tr id="node-', html)) == 9


def test_nothing_is_asked_of_anybody_else() -> None:
    """No address of another server, no inline script or style: the page's policy allows none."""
    html = _whole()
    assert re.findall(r'(?:src|href)="(?!/static/|/status\.json|#node-)', html) == []
    assert "style=" not in html
    assert "<style" not in html
    assert re.findall(r"<script(?! src=)", html) == []
    assert re.findall(r"\son\w+=", html) == []


def test_it_works_without_scripts() -> None:
    """The browser then fetches the page anew."""
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in _whole()


def test_a_stranger_s_words_are_text() -> None:
    """Markup in log lines, site and node names is shown, control characters by their numbers."""
    chronicle, reports = busy()
    hostile = {"time": HOSTILE, "level": "error", "node": HOSTILE, "process": f"worker-{HOSTILE}"}
    chronicle.troubles.note({**hostile, "event": HOSTILE, "message": HOSTILE, "error": HOSTILE})
    reports[0]["status"]["sites"] = {HOSTILE: {"requests": 1}}
    reports[1] = report("west", HOSTILE, beat(), state=HOSTILE, admin=HOSTILE)
    html = "".join(Pages(topology()).parts(chronicle.view(reports, at(1000.0))).values())
    assert "<script" not in html
    assert "</li><script" not in html
    assert "&lt;/li&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J\\u202e&#34;&amp;" in html
    troubles = html[html.index('<ol class="troubles"') : html.index("</ol>")]
    assert "\x1b" not in troubles
    assert "\u202e" not in troubles


def test_pictures_are_well_formed() -> None:
    """Both, for wide and for narrow screens, as XML."""
    html = Pages(topology()).parts(busy_view())["picture"]
    drawn = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawn) == 2
    for svg in drawn:
        labels = [text.text for text in ET.fromstring(svg).iter("text")]  # noqa: S314  our own
        assert {"east", "parent-a", "2.0/s", "80.0 % hits"} <= set(labels)


def test_a_network_that_cannot_be_drawn_has_its_tables() -> None:
    """And says so."""
    assert "no picture" in Pages(Topology()).parts(busy_view())["picture"]


def test_what_is_down_is_seen() -> None:
    """A dead node's box and row are marked, and its links are cut."""
    chronicle, reports = busy()
    reports[0] |= {"state": "paused", "status": {}, "pid": None, "restarts": 3}
    parts = Pages(topology()).parts(chronicle.view(reports, at(1000.0)))
    assert '<a href="#node-east" class="node down">' in parts["picture"]
    assert '<tr id="node-east" class="down">' in parts["nodes"]
    assert "8 of 9 nodes well" in parts["head"]
