"""What a keeper asks its workers: what their pipelines would do, or to purge something."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

from edge.aio.pipeline import Pipeline
from edge.config import Limits
from edge.explain.question import QuestionError, question
from edge.purging import PurgeError

Message = Mapping[str, object]


def answer_question(message: Message, pipeline: Pipeline, limits: Limits) -> Message | None:
    """The answer, or `error` where nobody could ask that; None: no question that we know."""
    match message.get("kind"):
        case "explain":
            return _explained(message, pipeline, limits)
        case "purge":
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
    try:
        purge = pipeline.purge(cast("Message", message["purge"]))
    except PurgeError as error:
        return {"error": str(error)}
    return {"purged": asdict(purge)}
