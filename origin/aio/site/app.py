"""The demo shop as an aiohttp application: which path is answered by what.

What stands still (pages, assets, benchmark objects) is prepared here, once, and served from one
table; the rest is in `live`, `probes` and `visitors`.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from origin.aio.site import live, objects, probes, visitors
from origin.aio.site.assets import Assets, load_assets
from origin.aio.site.pages import HTML, PAGE_HEADERS, Pages, build_pages
from origin.aio.site.representation import Representation, answer, represent

log = logging.getLogger("midmile.origin.site")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STORED = web.AppKey("stored", Mapping[str, Representation])
PAGES = web.AppKey("pages", Pages)
NO_STORE = {"Cache-Control": "no-store"}
SOON_AGAIN = "public, s-maxage=10, max-age=0"
"""A missing page is worth ten seconds of an edge's memory: a burst of them is one request."""


def make_app(*, tick_s: float = 1.0) -> web.Application:
    """The whole site; `tick_s` is the pause between two server-sent events."""
    app = web.Application(middlewares=[clear_errors])
    assets = load_assets()
    pages = build_pages(assets)
    app[PAGES] = pages
    app[STORED] = {**pages.by_path, **assets.by_path, **objects.static_objects()}
    closing = app[live.CLOSING] = live.Closing()
    app[live.TICK_S] = tick_s
    app.on_shutdown.append(closing.tell)
    app.on_response_prepare.append(_sign)
    _add_stored(app.router)
    _add_made(app.router, assets, pages)
    _add_live(app.router)
    return app


def _add_stored(router: web.UrlDispatcher) -> None:
    router.add_get("/objects/8KB-uncacheable", _uncacheable)
    for path in (
        "/",
        "/about",
        "/favicon.ico",
        "/robots.txt",
        "/shop/{slug}",
        "/product/{slug}",
        "/assets/{name}",
        "/objects/{name}",
    ):
        router.add_get(path, _stored)


def _add_made(router: web.UrlDispatcher, assets: Assets, pages: Pages) -> None:
    frame = pages.environment.get_template("me.html").render()
    for name, size in objects.DYNAMIC_SIZES.items():
        router.add_get(f"/api/items/{name}", _items(objects.items_json(size)))
        router.add_get(f"/me/{name}", _personal(objects.personal_html(size, frame)))
    router.add_get("/early", _early(assets))
    router.add_get("/api/me", visitors.me)


def _add_live(router: web.UrlDispatcher) -> None:
    router.add_get("/events", live.events)
    router.add_get("/ws/echo", live.websocket_echo, allow_head=False)
    router.add_get("/slow", live.slow)
    router.add_post("/upload", live.upload)
    router.add_put("/upload", live.upload)
    router.add_route("*", "/echo", probes.echo)
    router.add_route("*", r"/status/{code:\d{3}}", probes.status)
    router.add_get("/healthz", probes.healthz)


async def _stored(request: web.Request) -> web.Response:
    # A look-up in a table of known paths: no path of a client's ever reaches the file system.
    item = request.app[STORED].get(request.path)
    if item is None:
        raise web.HTTPNotFound
    return answer(request, item)


async def _uncacheable(_request: web.Request) -> web.Response:
    body = objects.uncacheable(secrets.token_hex(8))
    return web.Response(body=body, headers={"Content-Type": objects.TEXT, **NO_STORE})


def _items(make: Callable[[str, str], bytes]) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = make(secrets.token_hex(8), moment)
        return web.Response(body=body, headers={"Content-Type": "application/json", **NO_STORE})

    return handler


def _personal(make: Callable[[str], bytes]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        item = represent(
            make(visitors.trail_name(request)),
            content_type=HTML,
            cache_control="private, no-cache",
            headers={**PAGE_HEADERS, "Vary": "Cookie"},
        )
        return answer(request, item)

    return handler


def _early(assets: Assets) -> Handler:
    link = f"<{assets.url('site.css')}>; rel=preload; as=style"

    async def handler(request: web.Request) -> web.Response:
        live.send_early_hints(request, link)
        item = request.app[STORED]["/about"]
        return answer(request, item)

    return handler


async def _sign(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "midmile-shop"
    response.headers["X-Content-Type-Options"] = "nosniff"


@web.middleware
async def clear_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every failure a page people can read, or JSON below `/api/`."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _failure(request, HTTPStatus(error.status), error.headers.get("Allow"))
    except ConnectionError:  # the client has left: nobody is there to read a page
        raise
    except Exception:
        log.exception("a handler failed", extra={"event": "handler_failed", "path": request.path})
        return _failure(request, HTTPStatus.INTERNAL_SERVER_ERROR, None)


def _failure(request: web.Request, status: HTTPStatus, allow: str | None) -> web.Response:
    headers = {"Cache-Control": SOON_AGAIN if status is HTTPStatus.NOT_FOUND else "no-store"}
    if allow is not None:
        headers["Allow"] = allow
    if request.path.startswith("/api/"):
        body = {"error": status.phrase}
        return web.json_response(body, status=status, headers=headers)
    page = request.app[PAGES].error(status)
    headers |= {"Content-Type": HTML, **PAGE_HEADERS}
    return web.Response(status=status, body=page.encode(), headers=headers)
