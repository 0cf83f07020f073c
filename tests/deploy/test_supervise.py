"""The supervisor and the shell, with real processes of a fake role."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from deploy.command_socket import ask, socket_path
from deploy.exits import ExitCode, Refusal
from deploy.processes.restarts import RestartRules
from deploy.processes.slot import ATTEMPTS, Tuning
from tests.kit.fake_network import FakeNetwork, describe, running
from tests.kit.processes import alive, gone

HASTY = Tuning(
    rules=RestartRules(pauses_s=(0.0, 0.05), deaths=3, window_s=60.0, sleep_s=600.0),
    silence_s=1.5,
    watch_s=0.1,
)
"""A crash loop that ends soon, for tests that wait for it."""


def counted(exposition: str, name: str) -> float:
    """A metric's value, summed over its labels."""
    lines = [line for line in exposition.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def test_killed_worker_is_replaced_and_counters_survive(tmp_path: Path) -> None:
    """After kill -9 of a worker another one serves and counts on; what it had open is forgotten."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        pid = int(await network.ask("a", "pid"))
        await network.ask("a", "open")
        assert "midmile_edge_open 1.0" in await network.http("a", "/metrics")
        os.kill(pid, signal.SIGKILL)
        await network.heard("worker-died", "a")
        other = int(await network.ask("a", "pid"))
        assert other != pid
        metrics = await network.http("a", "/metrics")
        assert counted(metrics, "midmile_edge_requests_total") == 3
        assert "midmile_edge_open 0.0" in metrics
        assert 'midmile_deploy_worker_restarts_total{worker="0"} 1.0' in metrics
        status = await network.beats("a", lambda node: node["requests"] == 3)
        assert (status["hits"], status["restarts"]) == (2, 0)
        assert status["workers"][0]["restarts"] == 1
    assert not alive(other)


async def test_keys_are_kept_in_date_while_it_runs(tmp_path: Path) -> None:
    """The supervisor looks for due keys again and again, and a failure stops nothing."""
    often = Tuning(renew_keys_s=0.05)
    async with running(describe(tmp_path, {"a": "echo"}), often) as network:
        await network.heard("fake-keys", times=2)
        (tmp_path / "no-keys").touch()
        await network.heard("keys-not-renewed")
        (tmp_path / "no-keys").unlink()
        made = sum(record.get("event") == "fake-keys" for record in network.records)
        await network.heard("fake-keys", times=made + 1)
        assert network.status("a")["state"] == "ready"


async def test_killed_keeper_is_back_and_its_workers_are_gone(tmp_path: Path) -> None:
    """After kill -9 of a keeper its workers end, and the node serves at the same address again."""
    async with running(describe(tmp_path, {"a": "echo"}, workers=2)) as network:
        await network.beats("a", lambda node: len(node["workers"]) == 2)
        keeper = network.status("a")["pid"]
        workers = network.pids() - {keeper}
        os.kill(keeper, signal.SIGKILL)
        for pid in workers:
            await gone(pid)
        await network.heard("node-back", "supervisor")
        assert int(await network.ask("a", "pid")) not in workers
        assert network.status("a")["restarts"] == 1
        metrics = await network.http("a", "/metrics")
        assert "midmile_deploy_keeper_restarts_total 1.0" in metrics
        await network.beats("a", lambda node: len(node["workers"]) == 2)
        pids = network.pids()
    assert len(pids) == 3
    assert not any(map(alive, pids))


async def test_orphaned_worker_with_a_hung_loop_ends(tmp_path: Path) -> None:
    """A worker that cannot react to its keeper's death is ended by its own watch."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        pid = int(await network.ask("a", "pid"))
        async with asyncio.timeout(10.0):
            _, writer = await asyncio.open_connection("127.0.0.1", network.ports["a"])
            writer.write(b"hang\n")
            await writer.drain()
        os.kill(network.status("a")["pid"], signal.SIGKILL)
        await gone(pid)
        writer.close()
        await network.heard("node-back")
        assert not alive(pid)


async def test_hung_worker_is_killed_and_replaced(tmp_path: Path) -> None:
    """A worker without heartbeats is killed, and the next one serves."""
    async with running(describe(tmp_path, {"a": "echo"}), HASTY) as network:
        pid = int(await network.ask("a", "pid"))
        _, writer = await asyncio.open_connection("127.0.0.1", network.ports["a"])
        writer.write(b"hang\n")
        await network.heard("hung", "a")
        await gone(pid)
        writer.close()
        assert int(await network.ask("a", "pid")) != pid
        assert [each["event"] for each in network.records].count("hung") == 1


async def test_crash_loop_sleeps_until_it_is_woken(tmp_path: Path) -> None:
    """A worker that dies again and again is put to long sleep; `--wake` tries it again."""
    async with running(describe(tmp_path, {"a": "echo"}), HASTY) as network:
        (tmp_path / "crash").touch()
        os.kill(int(await network.ask("a", "pid")), signal.SIGKILL)
        line = await network.heard("long-sleep", "a")
        assert line["message"].endswith(f"midmile status --wake a/0 --state {tmp_path}")
        await network.beats("a", lambda node: node["workers"][0]["state"] == "asleep")
        assert "503" in (await network.http("a", "/readyz")).splitlines()[0]
        (tmp_path / "crash").unlink()
        answer = await asyncio.to_thread(ask, tmp_path, {"kind": "wake", "name": "a/0"})
        assert answer == {"woken": "a/0"}
        assert int(await network.ask("a", "pid")) > 0


async def test_waking_what_cannot_be_woken_is_refused(tmp_path: Path) -> None:
    """Waking an unknown or running process says so."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        await network.beats("a", lambda node: bool(node["workers"]))
        for name, reason in [
            ("b", "no node 'b' (there are a)"),
            ("a", "a is ready: nothing to wake"),
            ("a/0", "a/0 is ready: nothing to wake"),
            ("a/7", "a has no worker '7'"),
        ]:
            with pytest.raises(Refusal) as refused:
                await asyncio.to_thread(ask, tmp_path, {"kind": "wake", "name": name})
            assert str(refused.value).startswith(reason)


async def test_port_in_use_stops_everything_with_one_line(tmp_path: Path) -> None:
    """A port in use is named, nothing is left running, and the exit code tells of an address."""
    network = describe(tmp_path, {"a": "echo", "b": "echo"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", network.ports["b"]))
        taken.listen()
        with pytest.raises(Refusal) as refused:
            async with running(network):
                pytest.fail("it came up")
    assert refused.value.code is ExitCode.ADDRESS
    where = f"127.0.0.1:{network.ports['b']}"
    assert str(refused.value) == f"b: tcp {where} is in use by another program"
    assert network.pids() == set()
    assert not (tmp_path / "supervisor.sock").exists()


async def test_status_page_s_port_in_use_stops_everything_with_one_line(tmp_path: Path) -> None:
    """Before any node was started."""
    network = describe(tmp_path, {"a": "echo"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", network.page))
        taken.listen()
        with pytest.raises(Refusal) as refused:
            async with running(network):
                pytest.fail("it came up")
    assert refused.value.code is ExitCode.ADDRESS
    where = f"127.0.0.1:{network.page}"
    assert str(refused.value) == f"status page: tcp {where} is in use by another program"
    assert network.pids() == set()
    assert not (tmp_path / "supervisor.sock").exists()


async def test_status_page_tells_what_the_command_socket_tells(tmp_path: Path) -> None:
    """Requests, load and memory of each process, and what went wrong."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        pid = int(await network.ask("a", "pid"))
        os.kill(pid, signal.SIGKILL)
        await network.heard("worker-died", "a")
        await network.ask("a", "pid")
        await network.beats("a", lambda node: node["requests"] == 2)
        answer = await network.http_at(network.page, "/status.json")
        told = json.loads(answer.partition("\r\n\r\n")[2])
        asked = await asyncio.to_thread(ask, tmp_path, {"kind": "status"})
        assert told.keys() == asked.keys()
        (node,) = told["nodes"]
        assert (node["requests"], node["hits"], node["hit_ratio"]) == (2, 2, 1.0)
        assert node["rss_bytes"] > node["keeper_rss_bytes"] > 10_000_000
        assert node["workers"][0]["requests"] == 2
        assert told["troubles"]["last"][-1]["event"] == "worker-died"
        assert "worker 0 died" in await network.http_at(network.page, "/")


@pytest.mark.parametrize(
    ("mode", "code", "reason"),
    [
        ("refuse", ExitCode.USAGE, "b: the certificate is missing"),
        (
            "keeper-crash",
            ExitCode.FAILED,
            "b dies again and again: RuntimeError: this keeper always crashes",
        ),
        (
            "worker-crash",
            ExitCode.FAILED,
            "b: worker 0 dies again and again: ModuleNotFoundError: No module named 'PIL'",
        ),
        (
            "worker-killed",
            ExitCode.FAILED,
            "b: worker 0 dies again and again: signal SIGKILL",
        ),
    ],
)
async def test_node_that_cannot_start_ends_the_start(
    tmp_path: Path, mode: str, code: ExitCode, reason: str
) -> None:
    """A wrong configuration, or a node that only crashes, ends `up` at once with its reason."""
    network = describe(tmp_path, {"a": "echo", "b": mode})
    with pytest.raises(Refusal) as refused:
        async with running(network, HASTY):
            pytest.fail("it came up")
    assert (refused.value.code, str(refused.value)) == (code, reason)
    events = [record.get("event") for record in network.records]
    assert "long-sleep" not in events  # there is nobody to wake
    assert events.count("worker-failed") <= ATTEMPTS
    assert network.pids() == set()


async def test_a_start_that_takes_too_long_names_who_died_and_how(tmp_path: Path) -> None:
    """Not only who is not ready."""
    slow = Tuning(rules=RestartRules(pauses_s=(600.0,)), start_s=4.0)
    with pytest.raises(Refusal, match=r"in time: b \(died: exit code 1: RuntimeError: this keep"):
        async with running(describe(tmp_path, {"a": "echo", "b": "keeper-crash"}), slow):
            pytest.fail("it came up")


async def test_drain_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """A stop closes the port at once, and yet a request that was begun gets its answer."""
    network = describe(tmp_path, {"a": "echo"})
    async with running(network):
        reader, writer = await asyncio.open_connection("127.0.0.1", network.ports["a"])
        writer.write(b"slow\n")
        assert await reader.readline() == b"begun\n"
        assert network.supervisor is not None
        network.supervisor.stop()
        await network.heard("draining", "a")
        assert json.loads((await network.http("a", "/readyz")).splitlines()[-1]) == {
            "ready": False,
            "reason": "draining",
            "workers_ready": 0,
            "workers": 1,
        }
        writer.write(b"finished\n")
        assert await reader.readline() == b"finished\n"
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", network.ports["a"])


async def test_second_stop_ends_everything_at_once(tmp_path: Path) -> None:
    """A request that never ends does not hold up a user who presses Ctrl-C twice."""
    network = describe(tmp_path, {"a": "echo"})
    async with running(network):
        await network.beats("a", lambda node: bool(node["workers"]))
        pids = network.pids()
        reader, writer = await asyncio.open_connection("127.0.0.1", network.ports["a"])
        writer.write(b"slow\n")
        await reader.readline()
        assert network.supervisor is not None
        network.supervisor.stop()
        await network.heard("draining", "a")
        network.supervisor.stop()
        for pid in pids:
            await gone(pid, 3.0)
        writer.close()


async def test_second_supervisor_is_refused(tmp_path: Path) -> None:
    """One state directory has one supervisor; a stale socket of a dead one is no obstacle."""
    (tmp_path / "supervisor.sock").touch()
    async with running(describe(tmp_path, {"a": "echo"})):
        with pytest.raises(Refusal) as refused:
            async with running(describe(tmp_path, {"b": "echo"})):
                pytest.fail("it came up")
        assert refused.value.code is ExitCode.BUSY
        assert "runs already" in str(refused.value)
        assert await asyncio.to_thread(ask, tmp_path, {"kind": "status"})


async def test_keeper_and_workers_talk(tmp_path: Path) -> None:
    """A new worker is greeted; what a worker tells its keeper reaches all workers; keys reload."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        assert json.loads(await network.ask("a", "news")) == {"kind": "greeting"}
        assert json.loads(await network.ask("a", "tell hello", "news")) == {
            "kind": "heard",
            "from": 0,
            "text": "hello",
        }
        (tmp_path / "keys" / "nodes" / "a" / "report.key").write_text("renewed")
        assert json.loads(await network.ask("a", "news")) == {"kind": "reloaded"}


async def test_admin_port_answers_to_its_own_names_only(tmp_path: Path) -> None:
    """Metrics and health are read under loopback names; other names and methods are refused."""
    async with running(describe(tmp_path, {"a": "echo"})) as network:
        for path, host, method, status in [
            ("/healthz", "localhost", "GET", "200"),
            ("/readyz", "[::1]:8900", "GET", "200"),
            ("/readyz", "127.0.0.1", "HEAD", "200"),
            ("/metrics", "attacker.example", "GET", "421"),
            ("/metrics", "localhost", "POST", "405"),
            ("/secret", "localhost", "GET", "404"),
        ]:
            answer = await network.http("a", path, host, method)
            assert answer.split()[1] == status, (path, host, method)


async def test_log_lines_of_all_processes_are_one_stream(tmp_path: Path) -> None:
    """Access log lines come with their node and worker, in the supervisor's stream."""
    network: FakeNetwork = describe(tmp_path, {"a": "echo"})
    async with running(network):
        await network.ask("a", "pid")
        line = await network.heard("access", "a")
        assert (line["process"], line["line"]) == ("worker-0", "pid")


def test_state_path_too_long_for_a_socket_is_explained(tmp_path: Path) -> None:
    """A path that no unix socket can have is refused with its length."""
    with pytest.raises(Refusal, match="too long for a socket"):
        socket_path(tmp_path / ("x" * 120))
