"""What tests ask the operating system about processes, and ports for them."""

import asyncio
import os
import socket
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs (one that waits to be reaped does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


async def gone(pid: int, timeout_s: float = 15.0) -> None:
    """Wait until a process, which need not be ours, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), timeout_s)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def free_ports(number: int) -> list[int]:
    """TCP ports of 127.0.0.1 that were free a moment ago."""
    socks = [socket.socket() for _ in range(number)]
    try:
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]
    finally:
        for sock in socks:
            sock.close()
