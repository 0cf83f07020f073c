"""Questions that a keeper passes to its workers, answered by what their pipelines would do."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

from edge.aio.pipeline import Pipeline
from edge.config import Limits
from edge.explain.question import QuestionError, question


def answer_question(
    message: Mapping[str, object], pipeline: Pipeline, limits: Limits
) -> Mapping[str, object] | None:
    """`explanation`, or `error` where nobody could ask that; None: no question that we know."""
    if message.get("kind") != "explain":
        return None
    fields = cast("Sequence[str]", message["headers"])
    try:
        asked = question(str(message["url"]), str(message["method"]), fields)
    except QuestionError as error:
        return {"error": str(error)}
    secret = bytes.fromhex(str(message["secret"]))
    return {"explanation": asdict(pipeline.explain(asked, limits, secret))}
