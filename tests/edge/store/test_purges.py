"""Purges: what they reach, by which name, and what is on its way meanwhile."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry
from edge.cache.invalidate import invalidated_groups
from edge.cache.storable import StoreReason
from edge.cache.tags import MOST_TAGS, tags
from edge.cache.verdict import Kind, VerdictReason, decide
from edge.message import Headers
from edge.store.memory import MemoryStore, Put
from edge.store.purges import SOFT_S, Purge, Purges, Scope
from tests.edge.cache.stories import RULES, ask, at, judge, keep, say

ROOM = 10_000_000


def entry(key: str, *filed: str, variant: str = "") -> Entry:
    """An entry under `key` with these tags, fresh for a minute."""
    response = say(cache_control="max-age=60", cache_tag=",".join(filed), vary="x-v")
    return replace(keep(response, request=ask("/", x_v=variant)), key=key)


def purge(scope: Scope, value: str = "", *, soft: bool = False, site: str = "shop") -> Purge:
    """A purge on the shop."""
    return Purge(site=site, scope=scope, value=value, soft=soft)


def store(*entries: Entry) -> MemoryStore:
    """A store that holds these."""
    kept = MemoryStore(ROOM, object_bytes=ROOM)
    for each in entries:
        assert kept.put(each, kept.mark()) is Put.STORED
    return kept


A = entry("shop http shop.test /a?x", "red", "big")
A_PORT = entry("shop http shop.test:8080 /a?x", "red")
A_TLS = entry("shop https shop.test /a?x", "red")
AB = entry("shop http shop.test /ab", "blue")
OTHER = entry("shop http other.test /a?x", "blue")
BLOG = entry("blog http blog.test /a?x", "red")
ALL = (A, A_PORT, A_TLS, AB, OTHER, BLOG)

PURGES: list[tuple[Purge, set[Entry]]] = [
    (purge(Scope.URL, "shop.test/a?x"), {A, A_PORT, A_TLS}),
    (purge(Scope.URL, "shop.test/a"), set()),
    (purge(Scope.PREFIX, "shop.test/a"), {A, A_PORT, A_TLS, AB}),
    (purge(Scope.PREFIX, "shop.test/a?"), {A, A_PORT, A_TLS}),
    (purge(Scope.PREFIX, ""), {A, A_PORT, A_TLS, AB, OTHER}),
    (purge(Scope.TAG, "red"), {A, A_PORT, A_TLS}),
    (purge(Scope.TAG, "re"), set()),
    (purge(Scope.TAG, "Red"), set()),
    (purge(Scope.GROUP, "http shop.test red"), {A}),
    (purge(Scope.SITE), {A, A_PORT, A_TLS, AB, OTHER}),
    (purge(Scope.SITE, site="blog"), {BLOG}),
    (purge(Scope.SITE, site="none"), set()),
]


def held(kept: MemoryStore, entries: Iterable[Entry] = ALL) -> set[Entry]:
    """Those of them that would still be found."""
    return {each for each in entries if each in kept.get(each.key)}


@pytest.mark.parametrize(("given_", "gone"), PURGES)
@pytest.mark.parametrize("swept", [False, True])
def test_what_a_purge_reaches(given_: Purge, gone: set[Entry], *, swept: bool) -> None:
    """At the next look, or at the sweep; not what is stored afterwards."""
    kept = store(*ALL)
    before = kept.mark()
    kept.purge([given_], at(0))
    while swept and kept.sweep(2):
        pass
    if swept:
        assert kept.objects == len(ALL) - len(gone)
    assert held(kept) == set(ALL) - gone
    for each in gone:
        assert kept.put(each, before) is Put.INVALIDATED, "its fetch began before the purge"
        assert kept.put(each, kept.mark()) is Put.STORED
    assert held(kept) == set(ALL)


@pytest.mark.parametrize(("given_", "gone"), PURGES)
def test_what_a_soft_purge_reaches(given_: Purge, gone: set[Entry]) -> None:
    """It stays, is stale from that moment on, and may be used for a while as it is asked about."""
    kept = store(*ALL)
    kept.purge([replace(given_, soft=True)], at(10))
    for each in ALL:
        (found,) = kept.get(each.key)
        assert found.is_fresh(at(11)) is (each not in gone)
        assert found.age_s(at(11)) == (61 if each in gone else 11), "whoever gets it is told"
        if each in gone:
            while_asked = decide(ask("/", x_v=""), [found], at(9.5 + SOFT_S), RULES)
            assert (while_asked.kind, while_asked.reason) == (
                Kind.STALE,
                VerdictReason.WHILE_REVALIDATE,
            )
            assert decide(ask("/", x_v=""), [found], at(11 + SOFT_S), RULES).kind is Kind.MISS


def test_a_soft_purge_forces_nobody_to_be_served_stale() -> None:
    """What must be revalidated is."""
    strict = keep(say(cache_control="max-age=60, must-revalidate", etag='"a"', cache_tag="t"))
    kept = store(strict)
    kept.purge([purge(Scope.TAG, "t", soft=True)], at(10))
    assert decide(ask("/"), kept.get(strict.key), at(11), RULES).kind is Kind.REVALIDATE


def test_a_soft_purge_keeps_no_promise_longer_than_the_origin_does() -> None:
    """`s-maxage` is served stale only where the origin says so; what was stale stays as it was."""
    shared = keep(say(cache_control="s-maxage=20", cache_tag="t"))
    old = keep(say(cache_control="max-age=5", cache_tag="t", etag='"a"'))
    for entry_, after_s, kind in ((shared, 15, Kind.STALE), (shared, 21, Kind.MISS)):
        kept = store(entry_)
        kept.purge([purge(Scope.TAG, "t", soft=True)], at(10))
        assert decide(ask("/"), kept.get(entry_.key), at(after_s), RULES).kind is kind
    kept = store(old)
    kept.purge([purge(Scope.TAG, "t", soft=True)], at(10))
    assert decide(ask("/"), kept.get(old.key), at(11), RULES).kind is Kind.REVALIDATE


def test_a_soft_purge_does_not_soften_a_hard_one() -> None:
    """In whichever order they come."""
    for first, second in ((False, True), (True, False)):
        kept = store(A)
        kept.purge([purge(Scope.TAG, "red", soft=first)], at(0))
        kept.purge([purge(Scope.TAG, "red", soft=second)], at(1))
        assert kept.get(A.key) == ()


def test_all_variants_go() -> None:
    """A URL is all that is stored under it."""
    one, other = entry(A.key, variant="1"), entry(A.key, variant="2")
    kept = store(one, other)
    kept.purge([purge(Scope.URL, "shop.test/a?x")], at(0))
    assert (kept.get(A.key), kept.objects) == ((), 0)


def test_records_are_bounded() -> None:
    """What can no longer be compared counts as purged; what has been swept does not."""
    purges = Purges(most=3)
    for number in range(4):
        purges.add(purge(Scope.TAG, str(number)), number + 1, at(0))
    assert len(purges) == 3
    assert purges.compare(A, 0) is None
    assert purges.compare(A, 1) is A
    assert purges.compare(BLOG, 0) is BLOG, "another site's records are its own matter"


def test_a_sweep_makes_room_for_records() -> None:
    """When everything has been looked at, no record is needed but for what is being fetched."""
    kept = store(*ALL)
    before = kept.mark()
    for number in range(5):
        kept.purge([purge(Scope.PREFIX, f"shop.test/{number}")], at(0))
    kept.purge([purge(Scope.TAG, "red")], at(0))
    assert kept.sweep(3)
    kept.purge([purge(Scope.TAG, "blue")], at(0))  # while it goes on
    while kept.sweep(3):
        pass
    assert len(kept._purges) == 0
    assert not kept.sweep(3)
    assert (held(kept), kept.objects) == ({BLOG}, 1)
    assert kept.put(A, before) is Put.INVALIDATED, "it can no longer be told"
    assert kept.put(BLOG, before) is Put.STORED, "other sites have nothing to do with it"


STEPS = st.tuples(st.sampled_from(["put", "purge", "sweep", "get"]), st.integers(0, 11))


@given(st.lists(STEPS, max_size=30))
def test_nothing_purged_is_ever_found(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in between; and the account is right."""
    kept, alive = store(), set[Entry]()
    for what, number in steps:
        each = ALL[number % len(ALL)]
        match what:
            case "put":
                kept.put(each, kept.mark())
                alive.add(each)
            case "purge":
                given_, gone = PURGES[number]
                kept.purge([given_], at(0))
                alive -= gone
            case "sweep":
                kept.sweep(2)
            case _:
                kept.get(each.key)
    assert held(kept) == alive
    while kept.sweep(1):
        pass
    assert kept.objects == len(alive)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([], set()),
        ([("cache-tag", "a, b,,c "), ("cache-tag", "d")], {"a", "b", "c", "d"}),
        ([("surrogate-key", " a  b\tc ")], {"a", "b", "c"}),
        ([("cache-groups", '"a b", "c";x=1')], {"a b", "c"}),
        ([("cache-groups", '"a"'), ("cache-groups", '"b"')], {"a", "b"}),
        ([("cache-groups", '"a", b')], set()),
        ([("cache-groups", '"a", ("b" "c")')], set()),
        ([("cache-groups", '"a')], set()),
        ([("cache-groups", '"a", \xe9')], set()),
        ([("cache-tag", "a"), ("surrogate-key", "b"), ("cache-groups", '"c"')], {"a", "b", "c"}),
    ],
)
def test_tags(fields: list[tuple[str, str]], found: set[str]) -> None:
    """In each of the three fields; a malformed structured field counts as absent."""
    assert tags(Headers(fields)) == found


def test_more_tags_than_are_kept() -> None:
    """Such a response is not stored; of groups to invalidate the first ones count."""
    many = ", ".join(f'"{number}"' for number in range(MOST_TAGS + 1))
    response = say(cache_control="max-age=60", cache_groups=many)
    assert judge(ask(), response).reason is StoreReason.TAGS
    ended = invalidated_groups(ask(method="POST"), say(cache_group_invalidation=f'{many}, "0"'))
    assert len(ended) == MOST_TAGS


def test_groups_that_an_answer_invalidates() -> None:
    """RFC 9875 3."""
    said = say(cache_group_invalidation='"a", "b c"')
    posted = ask(method="POST")
    assert invalidated_groups(posted, said) == ("http shop.test a", "http shop.test b c")
    for request_, response in ((ask(), said), (posted, say()), (posted, replace(said, status=500))):
        assert invalidated_groups(request_, response) == ()
