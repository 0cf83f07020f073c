"""fatfile: the "fat file paradox" (2009 paper, Figure 2): the farther, the slower.

A file too large for anybody's congestion window comes as fast as losses and distance let it. Near
the user it comes fast, so whoever keeps it there wins: with the cache empty (`cold`) and full
(`warm`).
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from matplotlib.figure import Figure

from bench import ways
from bench.certificate import Pair, certify
from bench.form import Result, Sample, samples
from bench.lab.topologies import FIGURE_2, figure_2
from bench.load import curl
from bench.metric import Metric
from bench.peers import nginx
from bench.picture import colours
from bench.place import HOST, Place
from bench.rounds import in_turn
from bench.ways import Way

PROGRAMS = ("nginx",)
IN_LAB = True
_NAMES = ("midmile", "nginx", "direct")
_WARM = "/objects/1KB"
"""Opens connections, so that no handshake is measured, and leaves the film unasked for."""
_COLD_AND_WARM = ("cold", "warm")
_fresh = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    distances: tuple[str, ...]
    congestion: tuple[str, ...]
    rounds: int


_FULL = _Scale(distances=tuple(FIGURE_2), congestion=ways.CONGESTION, rounds=3)
_SMOKE = _Scale(distances=("local",), congestion=(ways.DEFAULT_CONGESTION,), rounds=1)


def measure(place: Place) -> list[Sample]:
    """Each way, at each distance."""
    scale = _SMOKE if place.smoke else _FULL
    pair = certify(place.home, HOST)
    found: list[Sample] = []
    for distance in scale.distances:
        with ExitStack() as stack:
            standing: list[Way] = []
            for congestion in scale.congestion:
                standing += stack.enter_context(
                    ways.standing(
                        place,
                        figure_2(distance),
                        pair,
                        _NAMES,
                        congestion=congestion,
                        origin=nginx.origin,
                    )
                )
            run = partial(_fetched, pair=pair, distance=distance)
            found += in_turn(place, distance, standing, scale.rounds, run)
    return found


def _fetched(way: Way, *, pair: Pair, distance: str) -> list[Sample]:
    """A user fetches a file that nobody had before, then somebody else the same."""
    found: list[Sample] = []
    path = f"{nginx.FILM}?copy={next(_fresh)}"
    for state in _COLD_AND_WARM:
        way.keep_warm("/objects/8KB-uncacheable", 1)
        with (
            curl.connected(way.user, way.https, ca=pair.certificate, warm=_WARM) as client,
            way.counting(),  # what it costs is not told, but a lab that loses packets is
        ):
            answer = client.ask(path)[0]
        values = {
            Metric.TRANSFER_MS: answer.ms,
            Metric.THROUGHPUT_KBIT_PER_S: answer.size_bytes * 8 / answer.ms,
        }
        found += samples(f"{distance}/{state}", way.name, values)
    return found


def draw(result: Result, file: Path) -> None:
    """As the paper has it: the time that the file takes, over distance."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, state in zip(panels, _COLD_AND_WARM, strict=True):
        for name, colour in colours(result.contestants).items():
            points = list(_seconds(result, state, name))
            style = "--" if name.endswith("-bbr") else "-"
            panel.plot(*zip(*points, strict=True), style, marker="o", color=colour, label=name)
        panel.set_title(f"{state} caches", loc="left", size=10)
        panel.set_xlabel("RTT from user to origin, ms")
        panel.set_yscale("log")
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("seconds for 5 MB")
    panels[1].legend(fontsize=8)
    figure.suptitle(f"fatfile, {result.date[:10]}: the farther, the slower")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _seconds(result: Result, state: str, name: str) -> Iterator[tuple[float, float]]:
    """RTT and time of each distance that was measured."""
    for row in result.rows:
        distance, _, when = row.case.partition("/")
        value = row.values.get(name)
        if row.metric is Metric.TRANSFER_MS and when == state and value is not None:
            yield FIGURE_2[distance].rtt_ms, value / 1000
