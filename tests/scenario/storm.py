"""A network in stormy weather: processes are killed while visitors read, POST and purge.

A real edge (keeper and two workers) and a real parent, each with a store on disk, stand before an
origin whose every byte tells what it is (`tests/kit/versions`). The supervisor runs in the test's
own process, so that nothing is ever put to sleep, however often it dies.
"""

import asyncio
import logging
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from deploy.errand import Errand
from deploy.layout import admin_token, node_home
from deploy.logs.lines import JsonFormatter, LogStream
from deploy.logs.stream import LogStreamOut
from deploy.plan import NetworkPlan
from deploy.processes.restarts import RestartRules
from deploy.processes.slot import Tuning
from deploy.supervise import Herald, Supervisor
from tests.kit.network import Grounds, grounds
from tests.kit.versions import Thing, Versions, WrongAnswerError, origin

EDGE, PARENT, SITE = "edge", "parent", "site.cdn.test"
BACK = (("supervisor", "node-back"), (EDGE, "worker-back"), (PARENT, "worker-back"))
"""By node and event: something that died is there again."""
SOON_S = 5.0
"""Usually it is."""
PATIENCE_S = 60.0
"""Far more than anything needs."""

THINGS = (
    *(Thing(path=f"/small/{n}", size=400 + 97 * n, age_s=600, tag="small") for n in range(24)),
    *(Thing(path=f"/brief/{n}", size=3_000, age_s=1, tag="brief") for n in range(6)),
    *(Thing(path=f"/edge/{n}", size=8_190 + n, age_s=600, tag="edge") for n in range(5)),
    *(Thing(path=f"/file/{n}", size=40_000 + n, age_s=600, tag="file") for n in range(8)),
    *(Thing(path=f"/old/{n}", size=70_000, age_s=2, tag="file") for n in range(3)),
    *(
        Thing(path=f"/kind/{n}", size=9_000 * n + 50, age_s=600, tag="kind", kinds=("a", "b", "c"))
        for n in range(3)
    ),
    *(Thing(path=f"/mebi/{n}", size=2**20 + n - 1, age_s=600, tag="mebi") for n in range(3)),
    Thing(path="/large", size=9 * 2**20 + 17, age_s=600, tag="large"),
)
"""Small records, bodies in files, variants, what is stale soon, and slices."""
LASTING = tuple(thing for thing in THINGS if thing.age_s == 600 and thing.size < 2**20)
"""What is kept for as long as a test lasts."""

_NETWORK = (
    ('name = "python-docs"', 'name = "storm"'),
    ('name = "docs"', 'name = "site"'),
    ('["docs.cdn.test", "docs.localhost"]', f'["{SITE}"]'),
    ('default_ttl = "60s"', 'default_ttl = "0s"'),
    ('name = "edge"\n', f'name = "{EDGE}"\ncache = "4MiB"\ndisk = "12MiB"\n'),
    ("workers = 1", "workers = 2"),
    ('name = "parent"\n', f'name = "{PARENT}"\ncache = "2MiB"\ndisk = "12MiB"\n'),
)
_UNTIRING = Tuning(rules=RestartRules(pauses_s=(0.0,), deaths=100_000))
_TIMEOUT = aiohttp.ClientTimeout(total=15.0)
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
"""What a visitor may meet whose connection's other end is killed."""


class Stream(LogStreamOut):
    """The supervisor's stream: counts what has happened, and keeps the words of what is bad."""

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_WRONLY)
        self.events: Counter[tuple[str, str]] = Counter()
        """By node and event."""
        self.faults: list[str] = []
        self.news = asyncio.Event()
        super().__init__(self._null, human=False)

    def record(self, fields: Mapping[str, object]) -> None:
        """Count it, and write it nowhere."""
        event = str(fields.get("event"))
        if event in {"fault", "disk-failed"}:
            self.faults.append(str(fields["message"]))
        if event != "None":
            self.events[str(fields.get("node")), event] += 1
            self.news.set()

    async def heard(self, *wanted: tuple[str, str], since: Mapping[tuple[str, str], int]) -> None:
        """Wait until one of these has happened."""
        while all(self.events[each] == since.get(each, 0) for each in wanted):
            self.news.clear()
            await self.news.wait()

    def close(self) -> None:
        """End the writer."""
        super().close()
        os.close(self._null)


@dataclass
class Storm:
    """The network, its visitors, and whoever kills."""

    place: Grounds
    versions: Versions
    supervisor: Supervisor
    stream: Stream
    rng: random.Random
    ends: Counter[str] = field(default_factory=Counter)
    """How requests ended, and what was killed."""
    wrong: list[str] = field(default_factory=list)
    """Answers that nobody should have got."""

    @property
    def store(self) -> Path:
        """The edge's store on disk."""
        return node_home(self.place.state, EDGE) / "cache"

    # Visitors

    async def visit(self, session: aiohttp.ClientSession, thing: Thing) -> str:
        """Read one thing, or a part, and hold it to what it must be; what the edge did for it."""
        kind, oldest = self.rng.choice(thing.kinds), self.versions.oldest[thing.path]
        fields = {"Host": SITE, "Accept-Encoding": "identity"}
        if len(thing.kinds) > 1:
            fields["X-Kind"] = kind
        if thing.size > 2**20 and self.rng.random() < 0.9:
            first = self.rng.randrange(thing.size)
            fields["Range"] = f"bytes={first}-{first + 300_000}"
        async with session.get(f"{self._url}{thing.path}", headers=fields) as answer:
            got = await answer.read()
            if answer.status not in (200, 206):
                return str(answer.status)
            names = answer.headers.keys()
            told = {name.lower(): ", ".join(answer.headers.getall(name)) for name in names}
            self.versions.check(thing, kind, oldest, told, got)
            return told["cache-status"].rpartition(", ")[2].split("; ")[1].partition("=")[0]

    async def post(self, session: aiohttp.ClientSession, thing: Thing) -> str:
        """Change one thing by a request."""
        async with session.post(f"{self._url}{thing.path}", headers={"Host": SITE}) as answer:
            if answer.status == 204:
                self.versions.confirm(thing.path, int(answer.headers["X-Version"]))
            return f"POST {answer.status}"

    async def purge(self, session: aiohttp.ClientSession, thing: Thing) -> str:
        """Change one thing, or all that are filed with it, and have what was before purged."""
        wanted, concerned = self.rng.choice(
            [
                ({"url": f"http://{SITE}{thing.path}"}, [thing]),
                ({"prefix": f"http://{SITE}{thing.path}"}, [thing]),
                ({"tag": thing.tag}, [each for each in THINGS if each.tag == thing.tag]),
            ]
        )
        made = {each.path: self.versions.change(each) for each in concerned}
        node = self.place.network.parents[0]
        token = admin_token(node_home(self.place.state, node.name)).read_text().strip()
        address = self.place.network.admin_address(node)
        fields = {"Host": node.name, "Authorization": f"Bearer {token}"}
        async with session.post(f"http://{address}/purge", json=wanted, headers=fields) as answer:
            if answer.status == 200:
                for path, version in made.items():
                    self.versions.confirm(path, version)
            return f"purge {answer.status}"

    @asynccontextmanager
    async def visited(self, number: int) -> AsyncIterator[None]:
        """So many visitors come meanwhile, again and again."""
        async with asyncio.TaskGroup() as group:
            visitors = [
                group.create_task(self._come(random.Random(self.rng.random())))
                for _ in range(number)
            ]
            try:
                yield
            finally:
                for visitor in visitors:
                    visitor.cancel()

    async def _come(self, rng: random.Random) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                thing = rng.choice(LASTING if rng.random() < 0.5 else THINGS)
                try:
                    self.ends[await self._act(session, thing, rng.random())] += 1
                except WrongAnswerError as error:
                    self.wrong.append(str(error))
                except _FAILURES as error:
                    self.ends[type(error).__name__] += 1
                await asyncio.sleep(rng.random() * 0.02)

    async def _act(self, session: aiohttp.ClientSession, thing: Thing, chance: float) -> str:
        if chance < 0.04:
            return await self.post(session, thing)
        if chance < 0.055:
            return await self.purge(session, thing)
        if chance < 0.075:
            self.versions.change(thing)
            return "changed"
        return await self.visit(session, thing)

    async def all_answered(self, things: Iterable[Thing] = LASTING) -> Counter[str]:
        """Ask for each thing until it comes, right; what the edge did for them then."""
        did: Counter[str] = Counter()
        async with (
            asyncio.timeout(PATIENCE_S),
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        ):
            for thing in things:
                how = ""
                while how not in {"hit", "fwd"}:
                    try:
                        how = await self.visit(session, thing)
                    except _FAILURES:
                        await asyncio.sleep(0.05)
                did[how] += 1
        return did

    async def counted(self, name: str, **labels: str) -> float:
        """A metric of the edge; nothing while it does not run."""
        network = self.place.network
        address = network.admin_address(network.node(EDGE))
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            try:
                fields = {"Host": EDGE}
                async with session.get(f"http://{address}/metrics", headers=fields) as answer:
                    families = text_string_to_metric_families(await answer.text())
            except _FAILURES:
                return 0.0
        samples = [sample for family in families for sample in family.samples]
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def _url(self) -> str:
        return f"http://{self.place.network.edges[0].advertise.http}"

    # Death

    def keeper(self, node: str = EDGE) -> int:
        """A node's keeper; 0: there is none just now."""
        return self.supervisor._slots[node].pid or 0

    def workers(self, node: str = EDGE) -> list[int]:
        """A node's workers."""
        keeper = self.keeper(node)
        try:
            told = Path(f"/proc/{keeper}/task/{keeper}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in told.split()]

    async def kill(self, *victims: int) -> None:
        """Kill processes, and wait until one is back; not for long."""
        before = self.stream.events.copy()
        for pid in filter(None, victims):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(TimeoutError):  # what died while it started has not been there before
            async with asyncio.timeout(SOON_S):
                await self.stream.heard(*BACK, since=before)

    async def kill_some(self) -> None:
        """A node's worker, all workers, keeper, or all; sometimes they are not waited for."""
        node = self.rng.choices((EDGE, PARENT), (3, 1))[0]
        keeper, workers = self.keeper(node), self.workers(node)
        self.rng.shuffle(workers)
        who, victims = self.rng.choices(
            [
                ("worker", workers[:1]),
                ("workers", workers),
                ("keeper", [keeper]),
                ("all", [keeper, *workers]),
            ],
            (4, 2, 4, 3),
        )[0]
        self.ends[f"killed {who} ({node})"] += 1
        killing = asyncio.create_task(self.kill(*victims))
        if self.rng.random() < 0.15:
            await asyncio.wait({killing}, timeout=self.rng.random())
            killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing


@asynccontextmanager
async def storm(seed: int) -> AsyncIterator[Storm]:
    """The network, up; at its end nothing may be left of it."""
    with grounds("python-docs.toml", *_NETWORK) as place:
        rng, versions, stream, up = random.Random(seed), Versions(THINGS), Stream(), asyncio.Event()

        def is_up(_: NetworkPlan) -> None:
            up.set()

        errand = Errand(
            text=place.file.read_text(),
            source=place.file,
            state=place.state,
            builders="deploy.wiring",
            tuning=_UNTIRING,
        )
        supervisor = Supervisor(errand, stream, Herald(progress=lambda _: None, running=is_up))
        handler = LogStream(JsonFormatter("supervisor", "supervisor"), stream)
        log = logging.getLogger("midmile.deploy")
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        server = place.network.sites[0].origins[0]
        async with origin(versions, server.host, server.port, rng):
            run, waiting = asyncio.create_task(supervisor.run()), asyncio.create_task(up.wait())
            try:
                await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if run.done():
                    run.result()
                yield Storm(place, versions, supervisor, stream, rng)
            finally:
                waiting.cancel()
                supervisor.stop()
                try:
                    await run
                finally:
                    log.removeHandler(handler)
                    handler.close()
