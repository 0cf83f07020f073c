"""Debian's Prometheus, watching a network that runs.

It is configured as docs/operations.md says, only quicker. One more target is served by the test:
each scrape of it is a tick of Prometheus' own clock, so that tests wait for scrapes and not for
time to pass.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml  # type: ignore[import-untyped]
from aiohttp import web

from tests.house.tree import ROOT
from tests.kit.network import Running
from tests.kit.processes import free_ports
from tests.kit.programs import need

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
_HANDBOOK = ROOT / "docs" / "operations.md"
_BLOCK = re.compile(r"^```yaml\n(.*?job_name: midmile.*?)^```$", re.MULTILINE | re.DOTALL)
_INTERVAL = "500ms"
_PATIENCE_S = 20.0


@dataclass(kw_only=True)
class Clock:
    """A target whose scrapes are counted."""

    ticks: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def tick(self, _: web.Request) -> web.Response:
        """A scrape (an aiohttp handler)."""
        async with self.news:
            self.ticks += 1
            self.news.notify_all()
        return web.Response(text="")


class Prometheus:
    """A running server; `watching` makes one."""

    def __init__(self, url: str, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._url = url
        self._session = session
        self._clock = clock

    async def scrapes(self, number: int = 1) -> None:
        """Wait until each target has been scraped so often from now on, and the rules evaluated."""
        clock = self._clock
        # The tick under way may be before all else of its round: the next ones are whole.
        goal = clock.ticks + number + 1
        async with asyncio.timeout(_PATIENCE_S), clock.news:
            await clock.news.wait_for(lambda: clock.ticks >= goal)

    async def get(self, path: str, **parameters: str) -> Any:
        """The data of an API call that must succeed."""
        async with self._session.get(f"{self._url}/api/v1/{path}", params=parameters) as response:
            answer = await response.json()
        assert answer["status"] == "success", (path, parameters, answer)
        return answer["data"]

    async def ask(self, expression: str) -> list[dict[str, Any]]:
        """The samples that an expression gives now, its labels as `metric`."""
        found: list[dict[str, Any]] = (await self.get("query", query=expression))["result"]
        return found

    async def value(self, expression: str) -> float:
        """The one number that an expression gives now."""
        [sample] = await self.ask(expression)
        return float(sample["value"][1])


def configuration(clock_port: int) -> dict[str, Any]:
    """The handbook's, made quick, with the test's clock."""
    found = _BLOCK.search(_HANDBOOK.read_text())
    assert found is not None
    values: dict[str, Any] = yaml.safe_load(found[1])
    [midmile] = values["scrape_configs"]
    midmile["scrape_interval"] = _INTERVAL
    clock = {
        "job_name": "clock",
        "scrape_interval": _INTERVAL,
        "static_configs": [{"targets": [f"127.0.0.1:{clock_port}"]}],
    }
    return {
        **values,
        "global": {"evaluation_interval": _INTERVAL},
        "scrape_configs": [midmile, clock],
    }


async def _prepare(network: Running, folder: Path, clock_port: int) -> Path:
    """The folder of a configuration, with what `midmile targets` says of the network."""
    done = await network.grounds.midmile("targets", str(network.grounds.file))
    assert done.code == 0, done.stderr
    (folder / "targets.json").write_text(done.stdout)
    shutil.copy(ALERTS, folder)
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration(clock_port)))
    return file


@asynccontextmanager
async def watching(network: Running, folder: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes every node of a network, ended afterwards."""
    program = need("prometheus", package="prometheus", unpack=True)
    port, clock_port = free_ports(2)
    file = await _prepare(network, folder, clock_port)
    clock = Clock()
    app = web.Application()
    app.router.add_get("/metrics", clock.tick)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", clock_port).start()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as session:
            prometheus = Prometheus(f"http://127.0.0.1:{port}", session, clock)
            try:
                await prometheus.scrapes()
            except TimeoutError:
                raise AssertionError((folder / "log").read_text()) from None
            yield prometheus
    finally:
        process.terminate()
        await process.wait()
        await runner.cleanup()
