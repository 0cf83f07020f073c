"""The process that is the lab: it makes the namespaces and carries packets between them.

`python -m bench.lab.relay` reads its plan from standard input, one JSON line, and answers with one
line on standard output once packets can flow. It lives until standard input ends, that is, until
whoever started it is gone, however that came about.

It is two processes. The *warden* holds the namespaces and waits; the *relay*, its child, carries
packets. When either is gone, the other kills every program left in the namespaces and goes as well,
and with the last descriptor the kernel takes namespaces and interfaces away.
"""

import ctypes
import gc
import json
import os
import select
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.errors import LabError
from bench.lab import namespaces
from bench.lab.control import Door
from bench.lab.link import Conditions
from bench.lab.mesh import Mesh, Plan, Way

_BATCH = 64
"""Packets read from one place before the others have their turn."""
_SHORTEST_TURN_S = 200e-6
"""Packets that come within this time are carried in one turn, as a network card coalesces its
interrupts: it halves the CPU time of a busy link and adds at most this much to a delay."""
_PR_SET_TIMERSLACK = 29


def main() -> None:
    """Make what the plan says, then carry until told to stop."""
    plan = _plan(json.loads(sys.stdin.readline()))
    spared = {os.getppid(), os.getpid()}
    try:
        made = [namespaces.make(addresses) for addresses in plan.addresses.values()]
    except (LabError, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    held = [namespace for namespace, _ in made]
    warden_lives, warden = os.pipe()
    child = os.fork()
    if not child:
        os.close(warden)
        _run(_Relay(plan, held, [device for _, device in made]), warden_lives)
        namespaces.clear(held, spared=spared | {os.getpid()})
        os._exit(0)
    os.close(warden_lives)
    for _, device in made:
        os.close(device)
    os.waitpid(child, 0)
    namespaces.clear(held, spared=spared)


@dataclass(slots=True, eq=False)
class _Relay:
    plan: Plan
    held: list[int]
    devices: list[int]

    def run(self, warden_lives: int) -> None:
        """Carry packets until standard input ends or the warden is gone."""
        packed = [[_packed(text) for text in own] for own in self.plan.addresses.values()]
        mesh = Mesh(self.plan, packed)
        door = Door(f"{self.plan.name}-{os.getppid()}", _Answers(mesh, self.plan, self.held))
        _be_prompt()
        print(json.dumps({"door": door.name}), flush=True)
        self._carry(mesh, door, endings={sys.stdin.fileno(), warden_lives})

    def _carry(self, mesh: Mesh, door: Door, endings: set[int]) -> None:
        """The loop. Its names are local because it runs some ten thousand times a second."""
        clock, wait, read, write = time.monotonic, select.select, os.read, os.write
        numbers = {device: number for number, device in enumerate(self.devices)}
        devices, longest = self.devices, namespaces.MTU
        began = 0.0
        while True:
            rest = began + _SHORTEST_TURN_S - clock()
            if rest > 0:
                time.sleep(rest)
            began = clock()
            for number, packet in mesh.advance(clock()):
                try:
                    write(devices[number], packet)
                except OSError:  # its namespace's interface was taken down
                    continue
            due = mesh.next_due()
            # select() takes microseconds, where epoll would round up to a millisecond.
            left = None if due is None else max(due - clock(), 0.0)
            for descriptor in wait([*devices, *door.descriptors(), *endings], (), (), left)[0]:
                if descriptor in numbers:
                    number = numbers[descriptor]
                    for _ in range(_BATCH):
                        try:
                            packet = read(descriptor, longest)
                        except OSError:  # nothing more for now
                            break
                        mesh.enter(number, packet, clock())
                elif descriptor in endings:
                    return
                else:
                    door.serve(descriptor)


@dataclass(slots=True, eq=False)
class _Answers:
    """What the lab does for those who ask at its door."""

    mesh: Mesh
    plan: Plan
    held: list[int]

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match request["do"]:
            case "describe":
                return self._describe()
            case "change":
                self._change(request["links"])
                return {}
            case "heal":
                self._change({link: asdict(self.plan.links[link]) for link in request["links"]})
                return {}
            case "statistics":
                return self._statistics(reset=request["reset"])
        raise ValueError(f"a lab does not know how to {request['do']}")

    def _describe(self) -> Mapping[str, Any]:
        warden = os.getppid()
        paths = [f"/proc/{warden}/fd/{namespace}" for namespace in self.held]
        return {
            "processes": [warden, os.getpid()],
            "hosts": self.plan.hosts,
            "links": list(self.plan.links),
            "namespaces": dict(zip(self.plan.addresses, paths, strict=True)),
        }

    def _change(self, links: Mapping[str, Mapping[str, Any]]) -> None:
        """All or none: what is refused changes nothing."""
        changed = {
            link: replace(self.mesh.conditions(link), **wanted) for link, wanted in links.items()
        }
        for link, conditions in changed.items():
            self.mesh.change(link, conditions)

    def _statistics(self, *, reset: bool) -> Mapping[str, Any]:
        counted = asdict(self.mesh.statistics()) | {"cpu_s": time.process_time()}
        if reset:
            self.mesh.reset()
        return counted


def _run(relay: _Relay, warden_lives: int) -> None:
    """Run it, and say so if it fails: its caller goes on to clear up either way."""
    try:
        relay.run(warden_lives)
    except Exception:  # noqa: BLE001
        traceback.print_exc()


def _plan(told: Mapping[str, Any]) -> Plan:
    return Plan(
        name=told["name"],
        seed=told["seed"],
        hosts=told["hosts"],
        addresses={place: tuple(own) for place, own in told["addresses"].items()},
        links={link: Conditions(**conditions) for link, conditions in told["links"].items()},
        ways=tuple(Way(**{**way, "links": tuple(way["links"])}) for way in told["ways"]),
    )


def _packed(address: str) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address)


def _be_prompt() -> None:
    """Wake when asked to, also while the measured servers take every core."""
    gc.freeze()
    gc.disable()  # packets are in no cycles, and a collection would make some of them late
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:  # a container may have no real-time share
        os.nice(-20)


if __name__ == "__main__":
    main()
