"""An explanation as an operator reads it."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from deploy.commands.story import OUT_OF_ITSELF, WHY, blocks, head_line, print_story
from edge.cache.storable import StoreReason
from edge.cache.unshared import Unshared
from edge.cache.verdict import VerdictReason
from edge.explain.explanation import Explanation, Itself, Upstream
from edge.judgement import Prospect
from tests.edge.cache.stories import at, keep, say
from tests.edge.explain.stories import BARE, GERMAN, MINUTE, SWR, told


def read(explanation: Explanation) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The first line, and the rest by label."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(explanation)))
    verdict, reason, sentence = head_line(values)
    return f"{verdict} ({reason}): {sentence}", dict(blocks(values))


@pytest.mark.parametrize(
    ("explanation", "line"),
    [
        (told(12, [MINUTE]), "hit (fresh): age 12 s, fresh for 48 s more (max-age=60)"),
        (told(0, []), "miss (nothing-stored): nothing is stored under this key"),
        (
            told(150, [MINUTE]),
            "revalidate (stale): stored, but stale for 90 s; whether it still holds is asked",
        ),
        (
            told(7_260, [BARE]),
            "miss (stale): stored, but stale for 2 h; no validator to ask by",
        ),
        (
            told(0, [], "shop.test/cart"),
            "bypass (never-cache): the site's rule never_cache '/cart*' fits",
        ),
        (
            told(0, [], "nobody.test"),
            "refused (unknown-site): 421, no site of this name is served here",
        ),
        (
            told(0, [], "shop.test", "Max-Forwards: 0", method="OPTIONS"),
            "answered (max-forwards): OPTIONS that must not go further: the node answers it",
        ),
    ],
)
def test_one_line_says_it_all(explanation: Explanation, line: str) -> None:
    """Verdict and reason in the log's words, then a sentence with the numbers."""
    assert read(explanation)[0] == line


def test_every_reason_has_a_sentence() -> None:
    """Also those to come."""
    assert set(WHY) == set(VerdictReason)
    assert set(OUT_OF_ITSELF) == set(Itself)


def test_a_stale_answer_says_by_whose_leave() -> None:
    """The verdict, the answer with a time that is up, and until when it goes on."""
    line, rest = read(told(61, [SWR], "shop.test"))
    assert line == (
        "stale (stale-while-revalidate): "
        "stored but stale: used once more, and asked about meanwhile"
    )
    assert "east; hit; ttl=-1; detail=stale-while-revalidate" in rest["answer"][1]
    assert rest["stored"][-1] == "used stale while it is asked about for 10 min"


def test_variants_are_told_apart() -> None:
    """What each is for; an arrow shows the one that is used."""
    _, rest = read(told(12, [MINUTE, GERMAN], "shop.test", "Accept-Language: en"))
    assert rest["stored"] == (
        "-> 200, 10 bytes, at 1994-11-06T08:49:37Z; age 12 s, fresh for 48 s (max-age=60)",
        '   ETag: "a"; Cache-Control: max-age=60',
        "   200, 10 bytes, at 1994-11-06T08:49:37Z; age 12 s, fresh for 48 s (s-maxage=60)",
        "   for requests with accept-language: de",
        "   the request differs in accept-language",
        "   Cache-Control: s-maxage=60",
        "   not to be used once it is stale",
    )


def test_what_goes_upstream_and_what_came_of_it() -> None:
    """Conditions, why the answer is not stored, why the last one was not, and whom one asks."""
    _, rest = read(told(99, [MINUTE], "shop.test", "Authorization: x"))
    assert rest["fetch"] == (
        "/, once for all who ask meanwhile",
        'with if-none-match: "a"',
        "because of Authorization stored only with public or must-revalidate or s-maxage",
    )
    private = Unshared(reason=StoreReason.PRIVATE, at_s=at(0).mono_s)
    _, rest = read(told(4, [], prospect=Prospect(in_vain=True, unshared=private)))
    assert rest["fetch"] == (
        "/; no other request waits for it",
        "the last answer, whoever asked, 4 s ago, could not be stored (private)",
    )
    private = replace(private, vary=("cookie",))
    _, rest = read(told(240, [], prospect=Prospect(unshared=private)))
    assert rest["fetch"][-1] == (
        "the last answer, to the same cookie, 4 min ago, could not be stored (private)"
    )
    _, rest = read(told(0, [], "shop.test/cart"))
    assert rest["fetch"] == (
        "/cart for this request alone",
        "the answer will not be stored (never-cache)",
    )
    _, rest = read(told(0, [], prospect=Prospect(under_way=True)))
    assert rest["fetch"][0].startswith("another request is fetching it")


def test_servers_that_fail_are_named_with_it() -> None:
    """How often, and for how long they come last."""
    explanation = replace(
        told(0, []),
        upstreams=(
            Upstream(name="p", failures=0, rests_s=0),
            Upstream(name="q", failures=1, rests_s=3.5),
            Upstream(name="r", failures=4, rests_s=0),
        ),
    )
    _, rest = read(explanation)
    assert rest["asks"] == (
        "p, then q (failed once, asked last for 3.5 s), then r (failed 4 times, to be tried)",
    )
    assert set(rest["origin"][0].split(", then ")) == {"http://192.0.2.1:80", "http://192.0.2.2:80"}


def test_workers_that_differ_are_told_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What they have in common is said once; nothing from outside steers the terminal."""
    evil = keep(say(cache_control="max-age=60", etag='"\x1b[2J"'))
    answers = [
        {"workers": [number], "explanation": json.loads(json.dumps(asdict(each)))}
        for number, each in enumerate([told(0, [evil]), told(0, [])])
    ]
    print_story({"node": "east", "answers": answers, "silent": [2, 3]})
    said = capsys.readouterr().out
    assert "east worker 0: HIT (fresh): age 0 s" in said
    assert "\neast worker 1: MISS (nothing-stored): " in said
    assert said.count("  key       shop http shop.test /\n") == 1
    assert said.endswith("no answer from workers 2, 3\n")
    assert "\x1b" not in said
    assert '"\\x1b[2J"' in said
