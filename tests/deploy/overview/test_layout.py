"""The network's picture: who asks whom, and where it is drawn."""

import re
from itertools import combinations

import pytest

from deploy.network import Network, load
from deploy.overview.layout import MOST_STATIONS, Area, Direction, Picture, lay_out
from deploy.overview.survey import survey
from deploy.overview.topology import LinkKind, Station, Topology
from tests.deploy.networks import NETWORKS, demo


def _picture(topology: Topology, direction: Direction) -> Picture:
    picture = lay_out(topology, direction)
    assert picture is not None
    return picture


def _sample(name: str) -> Topology:
    return survey(_network(name))


def _network(name: str) -> Network:
    return load((NETWORKS / name).read_text(), name)


def _strangers(name: str) -> list[str]:
    """Stations that are no nodes of the file."""
    nodes = {node.name for node in _network(name).nodes}
    return [station.name for station in _sample(name).stations if station.name not in nodes]


def test_the_demo_network_s_links() -> None:
    """Each tier asks the next one; the site's origin is the node that listens there."""
    links = survey(demo()).links
    kinds = [link.kind for link in links]
    assert [kinds.count(kind) for kind in LinkKind] == [4, 4, 4, 2]
    assert {link.target for link in links if link.kind is LinkKind.FETCH} == {"shop-origin"}
    assert {link.counted_as for link in links if link.kind is LinkKind.FETCH} == {
        "http://127.0.9.2:8088"
    }


def test_an_origin_of_somebody_else_is_a_station_too() -> None:
    """Called by its URL; in containers a node is found by its name."""
    links = _sample("python-docs.toml").links
    assert _strangers("python-docs.toml") == [
        link.target for link in links if link.kind is LinkKind.FETCH
    ]
    assert _strangers("compose.toml") == []


def _apart(one: Area, other: Area) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("name", ["demo.toml", "compose.toml", "python-docs.toml"])
def test_nothing_stands_on_anything(name: str, direction: Direction) -> None:
    """Every station is drawn once, inside the picture, beside the others."""
    topology = _sample(name)
    picture = _picture(topology, direction)
    areas = {box.station.name: box.area for box in picture.boxes}
    assert sorted(areas) == sorted(station.name for station in topology.stations)
    assert all(_apart(one, other) for one, other in combinations(areas.values(), 2))
    for area in [*areas.values(), *(frame.area for frame in picture.frames)]:
        assert area.x >= 0
        assert area.y >= 0
        assert area.x + area.width <= picture.width
        assert area.y + area.height <= picture.height


@pytest.mark.parametrize("direction", Direction)
def test_links_run_from_box_to_box(direction: Direction) -> None:
    """They begin at the side of the one and end at the side of the other."""
    picture = _picture(survey(demo()), direction)
    areas = {box.station.name: box.area for box in picture.boxes}
    for curve in picture.curves:
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", curve.path)]
        source, target = areas[curve.link.source], areas[curve.link.target]
        if direction is Direction.ACROSS:
            assert (numbers[0], numbers[-2]) == (source.x + source.width, target.x)
            assert source.y < numbers[1] < source.y + source.height
        else:
            assert (numbers[1], numbers[-1]) == (source.y + source.height, target.y)
            assert source.x < numbers[0] < source.x + source.width
        assert 0 <= curve.label[0] <= picture.width


def test_a_region_s_stations_stand_in_its_frame() -> None:
    """And no others; probes of other regions are not drawn."""
    picture = _picture(survey(demo()), Direction.ACROSS)
    for frame in picture.frames:
        inside = {box.station.name for box in picture.boxes if not _apart(box.area, frame.area)}
        assert inside == {frame.name, f"low-{frame.name}"}
    probes = [curve.link for curve in picture.curves if curve.link.kind is LinkKind.PROBE]
    assert [(link.source, link.target) for link in probes] == [
        ("low-east", "east"),
        ("low-west", "west"),
    ]


def test_a_phone_s_picture_is_narrow() -> None:
    """Two boxes wide, so that its words can be read."""
    across, down = (_picture(survey(demo()), direction) for direction in Direction)
    assert across.width > 1200
    assert down.width < 450


def test_no_picture_of_nothing_or_of_too_much() -> None:
    """The table has all of it."""
    station = Station(name="a", role="edge", address="")
    assert lay_out(Topology(), Direction.ACROSS) is None
    many = Topology(stations=(station,) * (MOST_STATIONS + 1))
    assert lay_out(many, Direction.ACROSS) is None
