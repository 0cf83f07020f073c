"""A Docker engine for the tests: the one that runs already, else one started for them."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from tests.containers.transcript import Transcript
from tests.house.tree import ROOT
from tests.kit.programs import need

IMAGE = "midmile:test"
PUBLISHED = "127.0.7.1"
"""Where the tests publish the ports: an address that no demo network has."""
RESOLVER = "172.31.214.81"
"""Where docker-compose.yml has its resolver, on port 53."""

_SCRIPT = Path(__file__).with_name("engine.sh")
_FOLDER = ROOT / "var" / "engine"
_PROJECT = "midmile-test"
"""Not what `docker compose up` would call it: nothing of a network that runs here is touched."""
_PATIENCE_S = 240.0
"""For one command. Building the image anew is the slowest."""


class Compose(StrEnum):
    """Which Compose reads our docker-compose.yml."""

    V1 = "v1"
    """`docker-compose` 1.29, the last one in Python: what Debian and Ubuntu package."""
    V2 = "v2"
    """`docker compose`, a plugin of Docker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker engine, and a Compose."""

    environment: dict[str, str] = field(repr=False)
    program: tuple[str, ...]
    """What to type for Compose."""
    transcript: Transcript = field(repr=False)

    def docker(self, *arguments: str) -> str:
        """What `docker ...` prints; an error shows all that it said."""
        return self._run("docker", *arguments).stdout

    def line(self, *arguments: str) -> tuple[str, ...]:
        """What to type for `docker compose ...`."""
        return (*self.program, "--project-name", _PROJECT, *arguments)

    def compose(self, *arguments: str) -> str:
        """What `docker compose ...` prints for our docker-compose.yml."""
        return self.said(*self.line(*arguments))

    def unrecorded(self, *arguments: str) -> str:
        """The same where the transcript must not have it: keys are secret."""
        return self._run(*self.line(*arguments)).stdout

    def said(self, *command: str) -> str:
        """What any command prints; the transcript has it."""
        finished = self._run(*command)
        self.transcript.add(command, finished.stdout + finished.stderr)
        return finished.stdout

    def foreground(self, line: tuple[str, ...]) -> subprocess.Popen[str]:
        """A `line` as in a terminal: a process group of its own, for Ctrl-C."""
        return subprocess.Popen(
            line,
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
        self.said("docker", "kill", self.containers()[service]["Name"].removeprefix("/"))

    def crash(self, service: str) -> None:
        """Kill a service's first process behind Docker's back, which the restart policy sees."""
        pid = self.containers()[service]["State"]["Pid"]
        shell = ["--user", "0", "--entrypoint", "sh", IMAGE, "-c", f"kill -9 {pid}"]
        self.docker("run", "--rm", "--pid", "host", "--network", "none", *shell)

    def inside(self, *command: str) -> str:
        """What a command prints in a new container of ours whose resolver is the network's."""
        place = ["--network", f"{_PROJECT}_midmile", "--dns", RESOLVER, "--entrypoint", command[0]]
        return self.said("docker", "run", "--rm", *place, IMAGE, *command[1:])

    def remove(self) -> None:
        """End the project and remove all that is its own; the next `up` has to build."""
        self.unrecorded("down", "--volumes", "--timeout", "5")
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

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
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
        return finished


@contextmanager
def running_engine(compose: Compose) -> Iterator[Engine]:
    """The engine to test with; skips where there is none and none can be started."""
    program = _program(compose)
    with _environment_of_engine() as environment:
        if not _answers([*program, "version"], environment):
            pytest.skip("Docker runs, but has no `docker compose`: add its compose plugin")
        transcript = Transcript(ROOT / "var" / f"compose-transcript-{compose}.txt")
        yield Engine(environment=environment, program=program, transcript=transcript)


def _program(compose: Compose) -> tuple[str, ...]:
    if compose is Compose.V2:
        return ("docker", "compose")
    program = str(need("docker-compose", package="docker-compose"))
    version = subprocess.run(
        [program, "version", "--short"], capture_output=True, text=True, check=False
    ).stdout
    if not version.startswith("1.29."):
        pytest.skip(f"{program} is {version.strip()}; this is about the 1.29 that Debian packages")
    return (program,)


@contextmanager
def _environment_of_engine() -> Iterator[dict[str, str]]:
    docker = need("docker", package="docker.io")
    if _answers([str(docker), "info"], _environment()):
        yield _environment()
        return
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        pytest.skip("Docker does not run; start it, or be root on Debian to have one started")
    need("dockerd", package="docker.io")
    need("debootstrap", package="debootstrap")
    yield from _own_engine()


def _own_engine() -> Iterator[dict[str, str]]:
    try:
        started = subprocess.run(
            [str(_SCRIPT), "start", str(_FOLDER)], capture_output=True, text=True, check=False
        )
        assert started.returncode == 0, started.stdout + started.stderr
        own = {
            "DOCKER_HOST": f"unix://{_FOLDER}/docker.sock",
            "DOCKER_CONFIG": str(_FOLDER / "config"),
        }
        yield _environment() | own
    finally:
        subprocess.run([str(_SCRIPT), "stop", str(_FOLDER)], check=False)


def _environment() -> dict[str, str]:
    """Ours, without what would make Compose read other files than docker-compose.yml."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    where = dict.fromkeys(("MIDMILE_PUBLISH", "MIDMILE_PUBLISH_PROMETHEUS"), PUBLISHED)
    return ours | {"MIDMILE_IMAGE": IMAGE, **where}


def _answers(command: list[str], environment: dict[str, str]) -> bool:
    return (
        subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    )
