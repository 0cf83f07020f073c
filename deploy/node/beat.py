"""What a keeper's heartbeat carries: the node's traffic, and its processes."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deploy.processes.slot import Slot
from deploy.processes.usage import usage
from deploy.roles import Message
from deploy.telemetry import worker_process
from deploy.traffic import Counts, traffic


def status(metrics: Path, slots: Sequence[Slot]) -> Message:
    """The node as its keeper knows it; `cpu_s` and `rss_bytes` are the keeper's own."""
    done = traffic(metrics)
    workers = [
        {
            **slot.report(),
            **done.processes.get(worker_process(index), Counts()).to_json(),
            **asdict(usage(slot.pid)),
        }
        for index, slot in enumerate(slots)
    ]
    return {**done.to_json(), **asdict(usage(os.getpid())), "workers": workers}
