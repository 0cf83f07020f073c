"""What a client sees of an error: short, true, with the id that finds it in the logs."""

import json
from html import escape
from http import HTTPStatus

from edge.errors import EdgeError, Side
from edge.message import Headers, Request, Response

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    421: "Misdirected Request",
    508: "Loop Detected",
}

_ADVICE = {
    Side.CLIENT: "The request cannot be served as it was sent.",
    Side.UPSTREAM: "The site's own server could not be asked. Please try again in a moment.",
    Side.OURS: "This server could not do its work. Please try again in a moment.",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{status} {phrase}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto;
padding: 0 1rem }}
h1 {{ font-size: 1.4rem; margin: 0 0 .5rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; opacity: .75;
font: .85rem/1.7 ui-monospace, monospace; margin-top: 2rem }}
dd {{ margin: 0; overflow-wrap: anywhere }}
</style></head><body>
<h1>{status} {phrase}</h1>
<p>{advice}</p>
<dl><dt>what happened</dt><dd>{text}</dd>
<dt>request</dt><dd>{request_id}</dd>
<dt>answered by</dt><dd>{node}</dd></dl>
</body></html>
"""


def error_page(
    error: EdgeError, request: Request, *, node: str, request_id: str
) -> tuple[Response, bytes]:
    """The response for `error` in the form the client likes: HTML, JSON or plain text.

    The text of upstream errors can name hosts of ours, which is the log's business: clients are
    told the reason only.
    """
    phrase = _PHRASES.get(error.status, "Error")
    text = error.text if error.side is Side.CLIENT else str(error.reason).replace("-", " ")
    accept = (request.headers.combined("accept") or "").lower()
    if "text/html" in accept:
        media, body = (
            "text/html; charset=utf-8",
            _PAGE.format(
                status=error.status,
                phrase=phrase,
                advice=_ADVICE[error.side],
                text=escape(text),
                request_id=escape(request_id),
                node=escape(node),
            ),
        )
    elif "json" in accept:
        media, body = (
            "application/json",
            json.dumps(
                {
                    "status": error.status,
                    "error": str(error.reason),
                    "text": text,
                    "request_id": request_id,
                    "node": node,
                }
            ),
        )
    else:
        media = "text/plain; charset=utf-8"
        body = f"{error.status} {phrase}: {text}\nrequest {request_id}, answered by {node}\n"
    encoded = body.encode()
    fields = [
        ("content-type", media),
        ("content-length", str(len(encoded))),
        ("cache-control", "no-store"),
    ]
    if error.status == 503:
        fields.append(("retry-after", "2"))
    if error.status == 405:
        fields.append(("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    return Response(status=error.status, reason=phrase, headers=Headers(fields)), encoded
