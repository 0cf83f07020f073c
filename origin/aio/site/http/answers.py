"""Responses: a representation, an error or a file, as this request is to be given it.

What may be sent is judged in `representation.py`; here it is put into a coding and sent.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from email.utils import format_datetime
from http import HTTPStatus

from aiohttp import web

from origin.aio.site.http.coding import LEAST_BYTES, Packed, is_text, pack, packed_tag, takes_gzip
from origin.aio.site.http.representation import (
    Representation,
    Selection,
    StoredFile,
    Validated,
    represent,
    select,
    wants_part,
)

HTML = "text/html; charset=utf-8"
JSON = "application/json"
NO_STORE = "no-store"
PRIVATE = "private, no-store"
FOR_A_DAY = "public, max-age=86400"
PACKED = web.AppKey("packed", Packed)
"""In the application only where bodies may be coded."""
PIECE_BYTES = 256 * 1024
"""A file is read in pieces of this size: a few of them are all that a download holds in memory."""

PAGE_HEADERS: Mapping[str, str] = {
    # Everything a page loads is its own: an injected script or frame would not run.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}

_BODILESS = frozenset({HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED})


def answer(request: web.Request, item: Representation) -> web.Response:
    """The whole response to a GET or HEAD for `item`."""
    headers, judged, coded = _item_headers(item), item, False
    if _codable(request, item.content_type, item.size):
        headers["Vary"] = _listed(headers.get("Vary"), "Accept-Encoding")
        # A part is always one of the plain bytes, so who wants a part is judged by their tag.
        coded = _takes_gzip(request) and not wants_part(request.method, request.headers, item)
    if coded:
        judged = replace(item, etag=packed_tag(item.etag), ranges=False)
        headers["ETag"] = judged.etag
    chosen = select(request.method, request.headers, judged)
    if (bare := _bare(chosen, headers, item)) is not None:
        return bare
    headers |= _part_headers(item, chosen)
    if coded:
        headers["Content-Encoding"] = "gzip"
        return web.Response(status=chosen.status, headers=headers, body=_packed(request, item))
    whole = chosen.status is HTTPStatus.OK
    body = item.body if whole else item.body[chosen.start : chosen.stop]
    return web.Response(status=chosen.status, headers=headers, body=body)


async def answer_file(request: web.Request, item: StoredFile) -> web.StreamResponse:
    """The same for a file, which is read as fast as the client takes it."""
    chosen = select(request.method, request.headers, item)
    headers = _item_headers(item)
    if (bare := _bare(chosen, headers, item)) is not None:
        return bare
    headers |= _part_headers(item, chosen)
    response = web.StreamResponse(status=chosen.status, headers=headers)
    response.content_length = chosen.stop - chosen.start
    if request.method == "HEAD":
        return response
    descriptor = await asyncio.to_thread(os.open, item.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        await response.prepare(request)
        at = chosen.start
        while at < chosen.stop:
            most = min(PIECE_BYTES, chosen.stop - at)
            piece = await asyncio.to_thread(os.pread, descriptor, most, at)
            if not piece:  # shorter than it was: a response that lacks bytes must not look whole
                raise ConnectionResetError(f"{item.path.name} has been cut")
            await response.write(piece)
            at += len(piece)
    finally:
        os.close(descriptor)
    return response


def text(
    request: web.Request,
    body: str,
    *,
    content_type: str,
    cache_control: str,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A text without validators: an error, or what is another one each time."""
    plain = body.encode()
    fields = {"Content-Type": content_type, "Cache-Control": cache_control, **(headers or {})}
    if _codable(request, content_type, len(plain)):
        fields["Vary"] = _listed(fields.get("Vary"), "Accept-Encoding")
        if _takes_gzip(request):
            fields["Content-Encoding"] = "gzip"
            plain = pack(plain)
    return web.Response(status=status, body=plain, headers=fields)


def data(
    request: web.Request, value: object, *, cache_control: str, status: int = HTTPStatus.OK
) -> web.Response:
    """A value as JSON; with an entity tag where somebody may keep it."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if status != HTTPStatus.OK or NO_STORE in cache_control:
        return text(request, written, content_type=JSON, cache_control=cache_control, status=status)
    item = represent(written.encode(), content_type=JSON, cache_control=cache_control)
    return answer(request, item)


def see_other(target: str) -> web.Response:
    """Send a browser on with a GET, after a form has done its work."""
    headers = {"Location": target, "Cache-Control": PRIVATE}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def _item_headers(item: Representation | StoredFile) -> dict[str, str]:
    headers = {"Cache-Control": item.cache_control, "ETag": item.etag, **item.headers}
    if item.last_modified is not None:
        headers["Last-Modified"] = format_datetime(item.last_modified, usegmt=True)
    if item.ranges:
        headers["Accept-Ranges"] = "bytes"
    return headers


def _part_headers(item: Representation | StoredFile, chosen: Selection) -> dict[str, str]:
    headers = {"Content-Type": item.content_type}
    if chosen.status is HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {chosen.start}-{chosen.stop - 1}/{item.size}"
    return headers


def _bare(chosen: Selection, headers: Mapping[str, str], item: Validated) -> web.Response | None:
    """The response where none of the bytes are wanted or there; else None."""
    if chosen.status in _BODILESS:
        return web.Response(status=chosen.status, headers=headers)
    if chosen.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        # What was asked for is not there: the error must not be kept in the object's place.
        unsatisfied = {"Content-Range": f"bytes */{item.size}", "Cache-Control": NO_STORE}
        return web.Response(status=chosen.status, headers=unsatisfied)
    return None


def _codable(request: web.Request, content_type: str, size: int) -> bool:
    return PACKED in request.app and size > LEAST_BYTES and is_text(content_type)


def _packed(request: web.Request, item: Representation) -> bytes:
    if item.cache_control.startswith("private"):
        return pack(item.body)  # nobody else will ask for these bytes
    return request.app[PACKED].body(item.etag, item.body)


def _takes_gzip(request: web.Request) -> bool:
    return takes_gzip(", ".join(request.headers.getall("Accept-Encoding", ())))


def _listed(present: str | None, name: str) -> str:
    return f"{present}, {name}" if present else name
