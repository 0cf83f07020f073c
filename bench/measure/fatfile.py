"""fatfile: the "fat file paradox" (2009 paper, Figure 2): the farther, the slower.

A file too large for anybody's congestion window comes as fast as losses and distance let it. Near
the user it comes fast, so whoever keeps it there wins: with the cache empty (`cold`) and full
(`warm`).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

from matplotlib.figure import Figure

from bench import ways
from bench.certificate import Pair, certify
from bench.form import Result, Sample
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
_PATH = nginx.FILM
_WARM = "/objects/1KB"
_COLD_AND_WARM = ("cold", "warm")
_ROUNDS = 3
_fresh = count()


def measure(place: Place) -> list[Sample]:
    """Each way, at each distance."""
    pair = certify(place.home, HOST)
    samples: list[Sample] = []
    for distance in ("local",) if place.smoke else FIGURE_2:
        with ExitStack() as stack:
            found: list[Way] = []
            for congestion in (ways.USUAL,) if place.smoke else ways.CONGESTION:
                found += stack.enter_context(
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
            samples += in_turn(place, distance, found, 1 if place.smoke else _ROUNDS, run)
    return samples


def _fetched(way: Way, *, pair: Pair, distance: str) -> Sequence[Sample]:
    """A user fetches a file that nobody had before, then somebody else the same."""
    samples: list[Sample] = []
    path = f"{_PATH}?copy={next(_fresh)}"
    for state in _COLD_AND_WARM:
        way.lab.forget_paths()
        with (
            curl.connected(way.user, way.https, ca=pair.certificate, warm=_WARM) as client,
            way.counting(),
        ):
            answer = client.fetch(path)
        case = f"{distance}/{state}"
        kbit_per_s = answer.size_bytes * 8 / answer.ms
        for metric, value in (
            (Metric.TRANSFER_MS, answer.ms),
            (Metric.THROUGHPUT_KBIT_PER_S, kbit_per_s),
        ):
            samples.append(Sample(case=case, metric=metric, contestant=way.name, value=value))
    return samples


def draw(result: Result, file: Path) -> None:
    """As the paper has it: the time that the file takes, over distance."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    names = list(dict.fromkeys(name for row in result.rows for name in row.values))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, state in zip(panels, _COLD_AND_WARM, strict=True):
        for name, colour in colours(names).items():
            points = list(_seconds(result, state, name))
            style = "--" if name.endswith("-bbr") else "-"
            panel.plot(*zip(*points, strict=True), style, marker="o", color=colour, label=name)
        panel.set_title(f"{state} caches", loc="left", size=10)
        panel.set_xlabel("RTT from user to origin, ms")
        panel.set_yscale("log")
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("seconds for 10 MB")
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
