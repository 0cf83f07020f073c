"""The restart policy, on a fake clock."""

import pytest

from deploy.processes.restarts import Event, Order, RestartRules, Restarts, State


def begun() -> Restarts:
    """A policy whose process was started at 0."""
    policy = Restarts(RestartRules())
    assert policy.drain() == [Order.START]
    policy.receive(Event.STARTED, 0.0)
    return policy


def die_until_asleep(policy: Restarts) -> float:
    """Let each process die after a second; gives when the policy had enough."""
    now = 0.0
    while policy.state is not State.ASLEEP:
        now += 1.0
        policy.receive(Event.DIED, now)
        if policy.state is State.PAUSED:
            now = policy.next_due()
            policy.on_due(now)
        if Order.START in policy.drain():
            policy.receive(Event.STARTED, now)
    return now


def test_pauses_grow() -> None:
    """The first restart comes at once, each later one after a longer pause."""
    policy = begun()
    now, pauses = 0.0, []
    for _ in range(7):
        now += 0.1
        policy.receive(Event.DIED, now)
        due = policy.next_due() if policy.state is State.PAUSED else now
        pauses.append(round(due - now, 3))
        now = due
        policy.on_due(now)
        assert policy.drain() == [Order.START]
        policy.receive(Event.STARTED, now)
    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0]


def test_nothing_starts_before_the_pause_is_over() -> None:
    """A pause is kept to its end."""
    policy = begun()
    policy.receive(Event.DIED, 1.0)
    policy.drain()
    policy.receive(Event.STARTED, 1.0)
    policy.receive(Event.DIED, 2.0)
    policy.on_due(2.4)
    assert (policy.state, policy.drain()) == (State.PAUSED, [])
    policy.on_due(2.5)
    assert (policy.state, policy.drain()) == (State.RUNNING, [Order.START])


def test_crash_loop_is_put_to_long_sleep() -> None:
    """After eight deaths within two minutes nothing is started, and this is said once."""
    policy = begun()
    now = 0.0
    orders: list[Order] = []
    for _ in range(8):
        now += 1.0
        policy.receive(Event.DIED, now)
        now = max(now, policy.next_due() if policy.state is State.PAUSED else now)
        policy.on_due(now)
        orders += policy.drain()
        policy.receive(Event.STARTED, now)
    assert policy.state is State.ASLEEP
    assert orders == [Order.START] * 7 + [Order.ANNOUNCE_SLEEP]
    assert policy.drain() == []


@pytest.mark.parametrize("how", ["woken", "hour"])
def test_long_sleep_ends_with_a_clean_slate(how: str) -> None:
    """An operator or an hour ends a long sleep; the next death is then treated as a first one."""
    policy = begun()
    now = die_until_asleep(policy)
    policy.drain()
    if how == "woken":
        policy.receive(Event.WOKEN, now)
    else:
        policy.on_due(now + 3599.0)
        assert policy.drain() == []
        now += 3600.0
        policy.on_due(now)
    assert policy.drain() == [Order.START]
    policy.receive(Event.STARTED, now)
    policy.receive(Event.DIED, now + 1.0)
    assert policy.drain() == [Order.START]


def test_calm_run_forgives() -> None:
    """A process that ran for a minute is restarted at once, whatever came before."""
    policy = begun()
    now = 0.0
    for _ in range(30):
        now += 60.0
        policy.receive(Event.DIED, now)
        assert policy.drain() == [Order.START]
        policy.receive(Event.STARTED, now)
    assert policy.total == 30


def test_old_deaths_do_not_count_towards_sleep() -> None:
    """Deaths further apart than the window never add up to a long sleep."""
    policy = begun()
    now = 0.0
    for _ in range(40):
        now += 59.0
        policy.receive(Event.DIED, now)
        now = now if policy.state is State.RUNNING else policy.next_due()
        policy.on_due(now)
        assert policy.drain() == [Order.START]
        policy.receive(Event.STARTED, now)


def test_waking_what_runs_does_nothing() -> None:
    """A process that runs is not started a second time."""
    policy = begun()
    policy.receive(Event.WOKEN, 1.0)
    assert policy.drain() == []
