"""An explanation as an operator reads it: one line that says it all, then what it follows from.

The words of verdicts and reasons are the enums' own. Values come from clients and origins: what is
not printable in them is shown by its number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from deploy.logs.screen import harmless
from edge.cache.verdict import VerdictReason
from edge.explain.explanation import Itself

Told = Mapping[str, Any]
"""An `edge.explain` value, as JSON."""
Block = tuple[str, tuple[str, ...]]
"""A label and the lines beside it."""

WHY = {
    VerdictReason.FRESH: "",  # told with ages
    VerdictReason.STALE: "",
    VerdictReason.WHILE_REVALIDATE: "stored but stale: used once more, and asked about meanwhile",
    VerdictReason.UNREACHABLE: "stored, and nobody could be asked a moment ago: used meanwhile",
    VerdictReason.REQUEST_MAX_STALE: "stored but stale, which the request takes",
    VerdictReason.NO_CACHE: "stored, but each use needs the origin's word",
    VerdictReason.PURGES_UNKNOWN: "a purge may have been missed: it needs the origin's word",
    VerdictReason.REQUEST_NO_CACHE: "stored and fresh, but the request wants the origin's word",
    VerdictReason.REQUEST_MAX_AGE: "stored and fresh, but older than the request allows",
    VerdictReason.REQUEST_MIN_FRESH: "stored and fresh, but not for as long as the request wants",
    VerdictReason.NOTHING_STORED: "nothing is stored under this key",
    VerdictReason.NO_VARIANT: "what is stored under this key is for other request fields",
    VerdictReason.METHOD: "neither GET nor HEAD: the cache takes no part",
    VerdictReason.REQUEST_BODY: "the request has a body: the cache takes no part",
    VerdictReason.UPGRADE: "a WebSocket: the cache takes no part",
    VerdictReason.NEVER_CACHE: "a rule of the site keeps the cache out",
    VerdictReason.ONLY_IF_CACHED: "the client wants a stored response or none",
}
OUT_OF_ITSELF = {
    Itself.HEALTH: "the node says whether mappers may send users here",
    Itself.LAST: "OPTIONS that must not go further: the node answers it",
}
_STYLES = {"hit": "bold green", "stale": "bold green", "refused": "bold red"}
_FIELDS = (
    ("ETag", "etag"),
    ("Last-Modified", "last_modified"),
    ("Cache-Control", "cache_control"),
    ("Content-Type", "content_type"),
)
_WIDTH = 10


def print_story(answer: Told) -> None:
    """Print what a node's workers have said."""
    console = Console(highlight=False, soft_wrap=True)
    answers = answer["answers"]
    shown: set[Block] = set()
    for number, each in enumerate(answers):
        if number:
            console.print()
        whose = "" if len(answers) == 1 and not answer["silent"] else _workers(each["workers"])
        told = each["explanation"]
        console.print(Text(f"{answer['node']}{whose}: ") + _head_line(told))
        for label, lines in blocks(told):
            if (label, lines) not in shown:  # another worker's differs in the rest only
                shown.add((label, lines))
                _print_block(console, label, lines)
    if answer["silent"]:
        console.print(Text(f"no answer from{_workers(answer['silent'])}", style="yellow"))


def _print_block(console: Console, label: str, lines: tuple[str, ...]) -> None:
    for number, line in enumerate(lines):
        start = "" if number else label
        console.print(Text(f"  {start:<{_WIDTH}}", style="cyan") + Text(harmless(line)))


def _head_line(told: Told) -> Text:
    verdict, reason, sentence = head_line(told)
    style = _STYLES.get(verdict, "bold yellow")
    return Text(verdict.upper(), style=style) + Text(f" ({reason}): {harmless(sentence)}")


def head_line(told: Told) -> tuple[str, str, str]:
    """The verdict, its reason, and the sentence that explains them."""
    if (refusal := told["refusal"]) is not None:
        return "refused", refusal["reason"], f"{refusal['status']}, {refusal['text']}"
    if told["itself"] is not None:
        return "answered", told["itself"], OUT_OF_ITSELF[Itself(told["itself"])]
    chosen = next((each for each in told["stored"] if each["chosen"]), None)
    return told["verdict"], told["reason"], _because(told, chosen)


def _because(told: Told, chosen: Told | None) -> str:
    match VerdictReason(told["reason"]):
        case VerdictReason.FRESH if chosen is not None:
            left = f"fresh for {_span(chosen['fresh_s'])} more"
            return f"age {_span(chosen['age_s'])}, {left} ({_lifetime(chosen)})"
        case VerdictReason.STALE if chosen is not None:
            validator = chosen["etag"] is not None or chosen["last_modified"] is not None
            then = "whether it still holds is asked" if validator else "no validator to ask by"
            return f"stored, but stale for {_span(-chosen['fresh_s'])}; {then}"
        case VerdictReason.NEVER_CACHE:
            return f"the site's rule never_cache {told['rules']['never_cache']!r} fits"
        case reason:
            return WHY[reason]


def blocks(told: Told) -> Iterator[Block]:
    """The details: what is known and not obvious."""
    if (request := told["request"]) is not None:
        where = f"{request['scheme']}://{request['host']}{request['target']}"
        yield "request", (f"{request['method']} {where}",)
    if told["site"] is not None:
        yield "site", ("; ".join([told["site"], *_rules(told["rules"])]),)
    if told["key"] is not None:
        yield "key", (told["key"],)
    if (answer := told["answer"]) is not None:
        status = f"Cache-Status: {answer['cache_status']}"
        yield "answer", (f"{answer['status']}, {_size(answer['size_bytes'])}", status)
    if told["stored"]:
        yield "stored", tuple(_stored(told))
    if told["fetch"] is not None:
        yield "fetch", tuple(_fetch(told["fetch"]))
    yield from _whom(told)


def _rules(rules: Told) -> Iterator[str]:
    """Those that are not a site's defaults, or that fit."""
    if rules["never_cache"] is not None:
        yield f"never_cache {rules['never_cache']!r} fits"
    if rules["query"] is not None:
        yield f"query parameters that count: {', '.join(rules['query']) or 'none'}"
    if rules["heuristic_ttl_s"]:
        yield f"heuristic_ttl {_span(rules['heuristic_ttl_s'])}"
    if rules["negative_ttl_s"] is not None:
        yield f"negative_ttl {_span(rules['negative_ttl_s'])}"
    if rules["default_ttl_s"]:
        yield f"default_ttl {_span(rules['default_ttl_s'])}"
    if rules["store_set_cookie"]:
        yield "store_set_cookie"
    if rules["origin_host"] is not None:
        yield f"host {rules['origin_host']}"


def _stored(told: Told) -> Iterator[str]:
    variants = told["stored"]
    for each in variants:
        mark = "" if len(variants) == 1 else "-> " if each["chosen"] else "   "
        what = f"{each['status']}, {_size(each['size_bytes'])}, at {each['stored']}"
        fresh_s = each["fresh_s"]
        left = f"fresh for {_span(fresh_s)}" if fresh_s > 0 else f"stale for {_span(-fresh_s)}"
        cut = ", cut to max_ttl" if each["lifetime_s"] == told["rules"]["max_ttl_s"] else ""
        yield f"{mark}{what}; age {_span(each['age_s'])}, {left} ({_lifetime(each)}{cut})"
        yield from (" " * len(mark) + line for line in _details(each))


def _lifetime(variant: Told) -> str:
    return f"{variant['lifetime_from']}={variant['lifetime_s']:g}"


def _details(variant: Told) -> Iterator[str]:
    if variant["vary"]:
        said = (
            f"no {name}" if value is None else f"{name}: {value}" for name, value in variant["vary"]
        )
        yield f"for requests with {', '.join(said)}"
    if variant["differs"]:
        yield f"the request differs in {', '.join(variant['differs'])}"
    fields = [f"{name}: {variant[key]}" for name, key in _FIELDS if variant[key] is not None]
    if fields:
        yield "; ".join(fields)
    if variant["always_validate"]:
        yield "each use needs the origin's word"
    elif variant["never_stale"]:
        yield "not to be used once it is stale"
    else:
        yield from _stale_uses(variant)


def _stale_uses(variant: Told) -> Iterator[str]:
    told = [
        f"{name} for {_span(variant[key])}"
        for name, key in (
            ("while it is asked about", "stale_while_revalidate_s"),
            ("where the origin fails", "stale_if_error_s"),
        )
        if variant[key]
    ]
    if told:
        yield f"used stale {' and '.join(told)}"
    elif variant["stale_only_if_told"]:
        yield "not to be used once it is stale"


def _fetch(fetch: Told) -> Iterator[str]:
    if fetch["under_way"]:
        yield "another request is fetching it already: this one waits for that"
    elif fetch["slice"] is not None:
        yield f"{fetch['target']} in slices, those that are not stored: first {fetch['slice']}"
    elif not fetch["together"]:
        yield f"{fetch['target']} for this request alone"
    elif fetch["in_vain"]:
        yield f"{fetch['target']}; no other request waits for it"
    else:
        yield f"{fetch['target']}, once for all who ask meanwhile"
    for name, value in fetch["conditions"]:
        yield f"with {name}: {value}"
    if fetch["not_stored"] is not None:
        yield f"the answer will not be stored ({fetch['not_stored']})"
    if fetch["stored_only_with"]:
        yield f"because of Authorization stored only with {' or '.join(fetch['stored_only_with'])}"
    if fetch["last_not_stored"] is not None:
        ago = _span(fetch["last_not_stored_ago_s"])
        alike = ", ".join(fetch["last_not_stored_vary"])
        whom = f"to the same {alike}" if alike else "whoever asked"
        why = fetch["last_not_stored"]
        yield f"the last answer, {whom}, {ago} ago, could not be stored ({why})"


def _whom(told: Told) -> Iterator[Block]:
    asked = [each["name"] for each in told["upstreams"]]
    if asked:
        yield "asks", (", then ".join(map(_upstream, told["upstreams"])),)
    behind = [each for each in told["origins"] if each not in asked]
    if behind:
        yield "origin", (", then ".join(behind),)


def _upstream(each: Told) -> str:
    if not each["failures"]:
        return str(each["name"])
    rests = f", asked last for {_span(each['rests_s'])}" if each["rests_s"] else ", to be tried"
    times = "once" if each["failures"] == 1 else f"{each['failures']} times"
    return f"{each['name']} (failed {times}{rests})"


def _workers(numbers: list[int]) -> str:
    word = "worker" if len(numbers) == 1 else "workers"
    return f" {word} {', '.join(map(str, numbers))}"


def _size(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _span(seconds: float) -> str:
    """Whole seconds where tenths say little; larger units where seconds do."""
    if seconds < 10:
        return f"{seconds:g} s"
    whole = round(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if whole >= 2 * size:
            rest = whole % size
            return f"{whole // size} {unit}" if not rest else f"{whole / size:.1f} {unit}"
    return f"{whole} s"
