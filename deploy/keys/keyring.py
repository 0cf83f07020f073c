"""Makes, renews and rotates all keys of a network on the machine that holds its CA.

Both `ensure` and `rotate` bring the state directory to what the plan and the CA ask for; `rotate`
only sets a new CA beside the old one first. The order of writing lets nodes that run, and read
their files at any moment, trust each other throughout:

1. the new CA, certified by the old one as well;
2. every list of CAs to trust, with both;
3. keys and leaf certificates by the new CA. What is sent with them includes the new CA certified
   by the old one, so that a machine which still has the old list accepts them;
4. the directory, which names the keys from before the rotation too until the overlap ends.

A run that was killed is finished by the next, since every step is decided by what is on the disk.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from deploy.keys import authority as authorities
from deploy.keys import certificates, files, pem
from deploy.keys.authority import Authority
from deploy.keys.directory import Entry, Recalled, Retired, make_directory, recall
from deploy.keys.errors import KeysError
from deploy.keys.held import Held, read_held
from deploy.keys.plan import KeyPlan
from deploy.keys.renew import Renewed, renew, survey
from deploy.keys.report import Action, Change, Report
from deploy.layout import KeyRoom

OVERLAP = timedelta(days=30)
"""Time to bring new bundles to distant machines and the new CA to users."""
LOCK_WAIT_S = 10.0
"""A run takes a fraction of a second; one that takes longer is stuck."""


def ensure(state: Path, plan: KeyPlan, now: datetime) -> Report:
    """Make what is missing, renew what is due, keep everything else."""
    with opened(state) as room:
        found = _look(room, plan, now)
        old = found.authority
        if old is None:
            authority = authorities.create(room.authority, plan.network, now)
            return _bring_up(room, plan, found, authority, _ca(Action.MADE), now)
        if not certificates.due(old.certificate, now):
            authorities.forget_past_keys(room.authority, old.generation)
            return _bring_up(room, plan, found, old, _ca(Action.KEPT, _overlap(old)), now)
        # The successor is certified by it as well, so an ageing CA leaves without an outage.
        left = max(old.certificate.not_valid_after_utc - now, timedelta())
        authority = authorities.succeed(room.authority, old, plan.network, left, now)
        change = _ca(Action.RENEWED, f"the old one ends within {left.days + 1} days")
        return _bring_up(room, plan, found, authority, change, now)


def rotate(state: Path, plan: KeyPlan, now: datetime, *, overlap: timedelta = OVERLAP) -> Report:
    """A new CA, and new keys and certificates for all.

    Old ones stay trusted for `overlap`; without any, distant machines are cut off until they have
    their new bundles, and so is whoever has stolen old ones.
    """
    with opened(state) as room:
        found = _look(room, plan, now)
        if found.authority is None:
            raise KeysError(f"there are no keys in {room.root} to rotate yet: make them first")
        authority = authorities.succeed(
            room.authority, found.authority, plan.network, max(overlap, timedelta()), now
        )
        return _bring_up(
            room, plan, found, authority, _ca(Action.RENEWED, _overlap(authority)), now
        )


@contextmanager
def opened(state: Path) -> Iterator[KeyRoom]:
    """The keys of a state directory, for this run alone."""
    room = KeyRoom(state)
    with files.told("make", state):
        state.parent.mkdir(parents=True, exist_ok=True)
    files.make_folder(state)
    files.make_folder(room.root)
    files.make_folder(room.nodes)
    with files.locked(room.lock, LOCK_WAIT_S):
        yield room


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was on the disk before a run."""

    authority: Authority | None
    held: Sequence[Held]
    directory: bytes | None
    recalled: Recalled | None


def _look(room: KeyRoom, plan: KeyPlan, now: datetime) -> _Found:
    """Read and judge everything: what is wrong is refused before anything is written."""
    authority = authorities.load(room.authority, plan.network, now)
    held = [read_held(room.node(node.name), node) for node in plan.nodes]
    if authority is None and any(one.certified for one in held):
        raise KeysError(
            f"{room.root} holds certificates but not the CA that has signed them: keys are made "
            "on the machine that has it, and come to others as bundles"
        )
    if authority is not None:
        for one in held:
            survey(one, plan.network, authority, now)
    directory = files.read(room.master_directory)
    return _Found(
        authority=authority,
        held=held,
        directory=directory,
        recalled=None if directory is None else recall(directory, room.master_directory),
    )


def _bring_up(
    room: KeyRoom, plan: KeyPlan, found: _Found, authority: Authority, first: Change, now: datetime
) -> Report:
    """Steps 2 to 4."""
    changes = [first, *_trust(room, found.held, authority)]
    renewed = [renew(one, plan.network, authority, now) for one in found.held]
    for one in renewed:
        changes.extend(one.changes)
    entries = [_entry(one, found.recalled, authority, now) for one in renewed]
    content = make_directory(
        plan.network,
        entries,
        authority,
        found.directory,
        where=room.master_directory,
        now=now,
    )
    changes += _publish(room, found.held, content)
    changes += _unused(room, plan)
    return Report(entries=tuple(changes))


def _trust(room: KeyRoom, nodes: Sequence[Held], authority: Authority) -> list[Change]:
    content = pem.dump_certificates(authority.trusted)
    changes = [_put(room.ca_crt, content, "CA certificates for users")]
    for one in nodes:
        files.make_folder(one.paths.root)
        if one.sites:
            files.make_folder(one.paths.sites)
        changes.append(_put(one.paths.authorities, content, f"{one.node.name}: CA certificates"))
    return changes


def _publish(room: KeyRoom, nodes: Sequence[Held], content: bytes) -> list[Change]:
    copies = {"directory": room.master_directory} | {
        f"{one.node.name}: directory": one.paths.directory for one in nodes
    }
    return [_put(path, content, what) for what, path in copies.items()]


def _put(path: Path, content: bytes, what: str) -> Change:
    """Write a public file that is made from others, unless it is already so."""
    before = files.read(path)
    if before == content:
        return Change(action=Action.KEPT, what=what)
    files.write(path, content, files.PUBLIC)
    return Change(action=Action.MADE if before is None else Action.RENEWED, what=what)


def _entry(
    renewed: Renewed, recalled: Recalled | None, authority: Authority, now: datetime
) -> Entry:
    node, keys = renewed.node, renewed.keys
    return Entry(
        name=node.name,
        role=node.role,
        keys=keys,
        retired=_retired(renewed, recalled, authority, now),
    )


def _retired(
    renewed: Renewed, recalled: Recalled | None, authority: Authority, now: datetime
) -> tuple[Retired, ...]:
    """The keys of a node from before rotations whose overlap has not ended.

    Keys that changed without a rotation are not among them: their files were taken away, perhaps
    because somebody else has them.
    """
    old = None if recalled is None else recalled.directory.nodes.get(renewed.node.name)
    if old is None or recalled is None or not authority.former:
        return ()
    earlier = tuple(one for one in old.retired if one.until >= now)
    if recalled.authority == certificates.identifier(authority.certificate):
        return earlier if old.keys == renewed.keys else ()
    return (Retired(keys=old.keys, until=authority.former[0].until), *earlier)


def _unused(room: KeyRoom, plan: KeyPlan) -> list[Change]:
    names = {node.name for node in plan.nodes}
    with files.told("read", room.nodes):
        found = sorted(path.name for path in room.nodes.iterdir())
    return [
        Change(action=Action.UNUSED, what=f"{name}: bundle", why="no node has this name")
        for name in found
        if name not in names and not name.startswith(".")
    ]


def _ca(action: Action, why: str = "") -> Change:
    return Change(action=action, what="network CA", why=why)


def _overlap(authority: Authority) -> str:
    if not authority.former:
        return ""
    return f"the old one is trusted until {authority.former[0].until:%Y-%m-%d}"
