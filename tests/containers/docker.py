"""A Docker engine for the tests: the one that runs already, else one started for them."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from tests.kit.programs import need

_SCRIPT = Path(__file__).with_name("engine.sh")
_FOLDER = ROOT / "var" / "engine"
_PROJECT = "midmile-test"
"""Not what `docker compose up` would call it: nothing of a network that runs here is touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker engine, and its Compose."""

    environment: dict[str, str]
    compose_command: tuple[str, ...]

    def docker(self, *arguments: str) -> str:
        """What `docker ...` prints; an error shows all that it said."""
        return self._run("docker", *arguments)

    def compose(self, *arguments: str) -> str:
        """What `docker compose ...` prints for our docker-compose.yml."""
        return self._run(*self.compose_command, "--project-name", _PROJECT, *arguments)

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says of each container of the project, by service."""
        ids = self._owned("ps", "--all", "--quiet").split()
        found = json.loads(self.docker("inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

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
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
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
        yield Engine(environment=dict(os.environ), compose_command=("docker", "compose"))
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
        environment = dict(os.environ) | {"DOCKER_HOST": f"unix://{_FOLDER}/docker.sock"}
        packaged = _FOLDER / "compose" / "bin" / "docker-compose"
        command = (str(packaged),) if packaged.exists() else ("docker", "compose")
        yield Engine(environment=environment, compose_command=command)
    finally:
        subprocess.run([str(_SCRIPT), "stop", str(_FOLDER)], check=False)


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
