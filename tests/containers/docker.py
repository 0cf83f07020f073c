"""A Docker engine for the tests: the one that runs already, else one started for them."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from tests.kit.programs import need

IMAGE = "midmile:test"
PUBLISHED = "127.0.7.1"
"""Where the tests publish the ports: an address that no demo network has."""

_SCRIPT = Path(__file__).with_name("engine.sh")
_FOLDER = ROOT / "var" / "engine"
_PROJECT = "midmile-test"
"""Not what `docker compose up` would call it: nothing of a network that runs here is touched."""
_PATIENCE_S = 240.0
"""For one command. Building the image anew is the slowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker engine, and its Compose."""

    environment: dict[str, str] = field(repr=False)

    def docker(self, *arguments: str) -> str:
        """What `docker ...` prints; an error shows all that it said."""
        return self._run("docker", *arguments)

    def compose(self, *arguments: str) -> str:
        """What `docker compose ...` prints for our docker-compose.yml."""
        return self._run(*_compose(arguments))

    def foreground(self, *arguments: str) -> subprocess.Popen[str]:
        """`docker compose ...` as in a terminal: a process group of its own, for Ctrl-C."""
        return subprocess.Popen(
            _compose(arguments),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says of each container of the project, by service."""
        ids = self._owned("ps", "--all", "--quiet").split()
        found = json.loads(self.docker("inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def exit_codes(self, since: float) -> dict[str, int]:
        """With what each service has ended since a Unix time, also where its container is gone."""
        period = ["--since", f"{since:.3f}", "--until", f"{time.time():.3f}"]
        label = f"label=com.docker.compose.project={_PROJECT}"
        wanted = ["--filter", label, "--filter", "event=die", "--format", "{{json .Actor}}"]
        lines = self.docker("events", *period, *wanted).splitlines()
        ended = [json.loads(line)["Attributes"] for line in lines]
        return {one["com.docker.compose.service"]: int(one["exitCode"]) for one in ended}

    def kill(self, service: str) -> None:
        """End a service's container for good: Docker does not restart what it was told to kill."""
        self.docker("kill", str(self.containers()[service]["Id"]))

    def crash(self, service: str) -> None:
        """Kill a service's first process behind Docker's back, which the restart policy sees."""
        pid = self.containers()[service]["State"]["Pid"]
        shell = ["--user", "0", "--entrypoint", "sh", IMAGE, "-c", f"kill -9 {pid}"]
        self.docker("run", "--rm", "--pid", "host", "--network", "none", *shell)

    def remove(self) -> None:
        """End the project and remove all that is its own; the next `up` has to build."""
        self.compose("down", "--volumes", "--timeout", "5")
        # `down --rmi all` leaves images of which no container is left.
        images = self.docker("image", "ls", "--quiet", "--filter", f"reference={IMAGE}*").split()
        if images:
            self.docker("image", "rm", "--force", *images)

    def leftovers(self) -> list[str]:
        """Containers, volumes and networks of the project that exist."""
        return [
            *self._owned("ps", "--all", "--quiet").split(),
            *self._owned("volume", "ls", "--quiet").split(),
            *self._owned("network", "ls", "--quiet").split(),
        ]

    def _owned(self, *command: str) -> str:
        return self.docker(*command, "--filter", f"label=com.docker.compose.project={_PROJECT}")

    def _run(self, *command: str) -> str:
        finished = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}{finished.stderr}"
        return finished.stdout


@contextmanager
def running_engine() -> Iterator[Engine]:
    """The engine to test with; skips where there is none and none can be started."""
    docker = need("docker", package="docker.io")
    if _answers([str(docker), "info"]):
        if not _answers([str(docker), "compose", "version"]):
            pytest.skip("Docker runs, but has no `docker compose`: add its compose plugin")
        yield Engine(environment=_environment())
        return
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        pytest.skip("Docker does not run; start it, or be root on Debian to have one started")
    need("dockerd", package="docker.io")
    need("debootstrap", package="debootstrap")
    yield from _own_engine()


def _own_engine() -> Iterator[Engine]:
    try:
        started = subprocess.run(
            [str(_SCRIPT), "start", str(_FOLDER)], capture_output=True, text=True, check=False
        )
        assert started.returncode == 0, started.stdout + started.stderr
        own = {
            "DOCKER_HOST": f"unix://{_FOLDER}/docker.sock",
            "DOCKER_CONFIG": str(_FOLDER / "config"),
        }
        yield Engine(environment=_environment() | own)
    finally:
        subprocess.run([str(_SCRIPT), "stop", str(_FOLDER)], check=False)


def _environment() -> dict[str, str]:
    """Ours, without what would make Compose read other files than docker-compose.yml."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    return ours | {"MIDMILE_IMAGE": IMAGE, "MIDMILE_PUBLISH": PUBLISHED}


def _compose(arguments: tuple[str, ...]) -> list[str]:
    return ["docker", "compose", "--project-name", _PROJECT, *arguments]


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
