"""Small answers by which one sees what reached the origin, and makes it fail on demand."""

from http import HTTPStatus

from aiohttp import web

from origin.aio.site.http.answers import NO_STORE

_NO_STORE = {"Cache-Control": NO_STORE}

_OWED = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Basic realm="midmile shop"'},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET, HEAD"},
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: {"Proxy-Authenticate": 'Basic realm="midmile shop"'},
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: {"Content-Range": "bytes */0"},
    HTTPStatus.UPGRADE_REQUIRED: {"Upgrade": "websocket", "Connection": "Upgrade"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}
"""Fields without which a response of that status would be incomplete (RFC 9110 15)."""


async def echo(request: web.Request) -> web.Response:
    """`/echo`: the request's head as the origin got it, with any method."""
    fields = [
        [name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers
    ]
    body = {
        "method": request.method,
        "target": request.raw_path,
        "version": f"{request.version.major}.{request.version.minor}",
        "headers": fields,
    }
    return web.json_response(body, headers=_NO_STORE)


async def status(request: web.Request) -> web.Response:
    """`/status/503`: an empty-handed response of that status, 200 to 599."""
    code = int(request.match_info["code"])
    if not 200 <= code <= 599:  # an interim response ends no request
        raise web.HTTPNotFound
    return of_status(code)


def of_status(code: int) -> web.Response:
    """A response of that status with the fields that it owes."""
    headers = dict(_NO_STORE)
    if code in {301, 302, 303, 307, 308}:
        headers["Location"] = "/"
    for known, fields in _OWED.items():
        if known == code:
            headers.update(fields)
    if code in {204, 205, 304}:
        return web.Response(status=code, headers=headers)
    return web.Response(status=code, text=f"status {code}\n", headers=headers)


async def healthz(_request: web.Request) -> web.Response:
    """`/healthz`: whether this process answers, for containers."""
    return web.Response(text="ok\n", headers=_NO_STORE)
