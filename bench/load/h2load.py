"""h2load: requests at one fixed rate, and how long each took."""

import subprocess
from pathlib import Path

from bench.errors import LoadError
from bench.load.latencies import Latencies
from bench.place import HOST, Address, shown
from bench.programs import libraries, need

_GRACE_S = 30


def run(
    where: Address, path: str, *, per_s: float, connections: int, seconds: float, log: Path
) -> Latencies:
    """Ask over HTTP/1.1 at `per_s` requests a second in all; `log` is for h2load's own use.

    Raises:
        LoadError: an answer was wrong or missing.
    """
    log.unlink(missing_ok=True)
    told = subprocess.run(
        [
            need("h2load"),
            "--h1",
            f"--clients={connections}",
            "--threads=1",
            f"--rps={per_s / connections:.4f}",
            f"--duration={round(seconds * 1000)}ms",
            f"--header=:authority: {HOST}",
            f"--log-file={log}",
            f"http://{shown(where)}{path}",
        ],
        env=libraries(),
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    if told.returncode:
        raise LoadError(f"h2load failed: {told.stdout[-500:]}{told.stderr[-500:]}")
    return Latencies.of(read(log.read_text(encoding="ascii")))


def read(log: str) -> list[float]:
    """The milliseconds of each answer, from the text of h2load's log file.

    A line has the start (us), the status, and the us until the answer's end, with tabs between.

    Raises:
        LoadError: an answer was not 200, or there is none.
    """
    answers = [line.split("\t") for line in log.splitlines()]
    if wrong := [answer for answer in answers if answer[1] != "200"]:
        raise LoadError(f"h2load was answered {wrong[0][1]}, {len(wrong)} times")
    if not answers:
        raise LoadError("h2load was not answered")
    return [int(answer[2]) / 1000 for answer in answers]
