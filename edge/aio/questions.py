"""What a keeper tells its workers and asks of them: to explain, and all that concerns purges.

An edge's workers and a parent's understand the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import cast

from edge.aio.pipeline import Pipeline
from edge.config import Limits
from edge.currency import Currency
from edge.explain.question import QuestionError, question
from edge.purge_log import Position, purge_of

Message = Mapping[str, object]


def answer_question(message: Message, pipeline: Pipeline, limits: Limits) -> Message | None:
    """The answer, or `error` where nobody could ask that; None: no question that we know."""
    match message.get("kind"):
        case "explain":
            return _explained(message, pipeline, limits)
        case "purges":
            return _purged(message, pipeline)
    return None


def _explained(message: Message, pipeline: Pipeline, limits: Limits) -> Message:
    fields = cast("Sequence[str]", message["headers"])
    try:
        asked = question(str(message["url"]), str(message["method"]), fields)
    except QuestionError as error:
        return {"error": str(error)}
    secret = bytes.fromhex(str(message["secret"]))
    return {"explanation": asdict(pipeline.explain(asked, limits, secret))}


def _purged(message: Message, pipeline: Pipeline) -> Message:
    purges = cast("Sequence[Mapping[str, object]]", message["purges"])
    pipeline.purge(
        [purge_of(each) for each in purges],
        Position.of(str(message["position"])),
        everything=bool(message["everything"]),
    )
    return {"done": True}


def take_word(message: Message, pipeline: Pipeline, currency: Currency) -> None:
    """Heed what the keeper tells of purges."""
    match message:
        case {"kind": "position", "position": str(position), "released": str(released)}:
            # The first word: what was fetched before may be of before a purge that is in it.
            pipeline.purge((), Position.of(position), everything=True)
            currency.released = released
            if isinstance(heard_s := message.get("heard_s"), float):
                currency.heard(heard_s)
        case {"kind": "released", "position": str(released)}:
            currency.released = released
        case {"kind": "heard", "heard_s": float(heard_s)}:
            currency.heard(heard_s)


def tell_behind(tell: Callable[[Message], None], position: str) -> None:
    """Tell the keeper that somebody knows of more purges than we do."""
    tell({"kind": "behind", "position": position})
