"""The demo shop as an aiohttp application: which path is answered by what, and what errors say."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from origin.aio.site import objects
from origin.aio.site.clock import CLOCK, Clock
from origin.aio.site.handlers import api, browse, checkout, faults, live, media, probes
from origin.aio.site.http import answers
from origin.aio.site.http.coding import Packed
from origin.aio.site.http.forms import RefusedError
from origin.aio.site.http.representation import represent
from origin.aio.site.releases.showing import SHOWING, Showing, shown
from origin.aio.site.visitors.account import trail_name
from origin.aio.site.visitors.cookies import IDENTITY
from origin.config import SiteSettings

log = logging.getLogger("midmile.origin.site")

_NOBODY = "stranger"
"""What `/me/*` calls who has no `sid`."""
SOON_AGAIN = "public, s-maxage=10, max-age=0"
"""A missing page is worth ten seconds of an edge's memory: a burst of them is one request."""


def make_app(
    settings: SiteSettings, *, clock: Clock = time.time, tick_s: float = 1.0
) -> web.Application:
    """The whole site; `tick_s` is the pause between two server-sent events."""
    home = Path(settings.home)
    app = web.Application(middlewares=[clear_errors, faults.meet])
    app[CLOCK] = clock
    app[SHOWING] = Showing(home)
    app[media.MEDIA] = media.Media(home)
    if settings.gzip:
        app[answers.PACKED] = Packed()
    if settings.faults:
        app[faults.FAULTS] = faults.Faults(home)
        _add_faults(app.router)
    closing = app[live.CLOSING] = live.Closing()
    app[live.TICK_S] = tick_s
    app.on_shutdown.append(closing.tell)
    app.cleanup_ctx.append(_watch)
    app.on_response_prepare.append(_sign)
    _add_pages(app.router)
    _add_visitors(app.router)
    _add_api(app.router)
    _add_objects(app.router, app[SHOWING])
    _add_live(app.router)
    return app


def _add_pages(router: web.UrlDispatcher) -> None:
    router.add_get("/", browse.home)
    router.add_get("/shop/{slug}", browse.category)
    router.add_get("/product/{slug}", browse.product)
    router.add_get("/about", browse.about)
    router.add_get("/film", browse.film)
    router.add_get("/early", browse.early)
    router.add_get("/search", browse.find)
    router.add_get("/fragments/{name}", browse.fragment)
    router.add_get("/fragments/{name}/{argument}", browse.fragment)
    router.add_get("/pictures/{path:.+}", media.picture)
    router.add_get("/media/film.webm", media.film)
    router.add_get("/assets/{name}", _asset)
    router.add_get("/favicon.ico", _stored)
    router.add_get("/robots.txt", _stored)


def _add_visitors(router: web.UrlDispatcher) -> None:
    router.add_get("/cart", checkout.cart)
    router.add_post("/cart/add", checkout.add)
    router.add_post("/cart/update", checkout.update)
    router.add_post("/cart/remove", checkout.remove)
    router.add_post("/cart/checkout", checkout.order)
    router.add_get("/login", checkout.login)
    router.add_post("/login", checkout.sign_in)
    router.add_post("/logout", checkout.sign_out)
    router.add_get("/account", checkout.account)
    router.add_get("/thanks", checkout.thanks)


def _add_api(router: web.UrlDispatcher) -> None:
    router.add_get("/api/products", api.products)
    router.add_get("/api/products/{slug}", api.product)
    router.add_get("/api/stock/{slug}", api.stock)
    router.add_get("/api/search", api.find)
    router.add_get("/api/cart", api.cart)
    router.add_post("/api/cart", api.change_cart)
    router.add_get("/api/me", api.me)


def _add_objects(router: web.UrlDispatcher, showing: Showing) -> None:
    router.add_get("/objects/8KB-uncacheable", _uncacheable)
    router.add_get("/objects/{name}", _stored)
    frame = showing.now.pages.diary()
    for name, size in objects.DYNAMIC_SIZES.items():
        router.add_get(f"/api/items/{name}", _items(objects.items_json(size)))
        router.add_get(f"/me/{name}", _personal(objects.personal_html(size, frame)))


def _add_live(router: web.UrlDispatcher) -> None:
    router.add_get("/events", live.events)
    router.add_get("/ws/echo", live.websocket_echo, allow_head=False)
    router.add_get("/slow", live.slow)
    router.add_post("/upload", live.upload)
    router.add_put("/upload", live.upload)
    router.add_route("*", "/echo", probes.echo)
    router.add_route("*", r"/status/{code:\d{3}}", probes.status)
    router.add_get("/healthz", probes.healthz)


def _add_faults(router: web.UrlDispatcher) -> None:
    router.add_get("/admin/faults", faults.listed)
    router.add_post("/admin/faults", faults.arm)
    router.add_delete("/admin/faults", faults.clear)
    router.add_get("/admin/faults/{kind}", faults.at_once)
    router.add_get(r"/admin/faults/{kind}/{code:\d{3}}", faults.at_once)


async def _stored(request: web.Request) -> web.Response:
    # A look-up in a table of known paths: no path of a client's ever reaches the file system.
    item = shown(request).stored.get(request.path)
    if item is None:
        raise web.HTTPNotFound
    return answers.answer(request, item)


async def _asset(request: web.Request) -> web.Response:
    if request.path not in shown(request).stored:
        await request.app[SHOWING].look()
    return await _stored(request)


async def _uncacheable(request: web.Request) -> web.Response:
    body = objects.uncacheable(secrets.token_hex(8)).decode()
    return answers.text(request, body, content_type=objects.TEXT, cache_control=answers.NO_STORE)


def _items(make: Callable[[str, str], bytes]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = make(secrets.token_hex(8), moment).decode()
        return answers.text(
            request, body, content_type=answers.JSON, cache_control=answers.NO_STORE
        )

    return handler


def _personal(make: Callable[[str], bytes]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        sid = request.cookies.get(IDENTITY)
        item = represent(
            make(trail_name(sid) if sid else _NOBODY),
            content_type=answers.HTML,
            cache_control="private, no-cache",
            headers={**answers.PAGE_HEADERS, "Vary": "Cookie"},
        )
        return answers.answer(request, item)

    return handler


async def _watch(app: web.Application) -> AsyncIterator[None]:
    """Notice releases as long as the site runs."""
    watching = asyncio.create_task(app[SHOWING].watch())
    yield
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


async def _sign(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "midmile-shop"
    response.headers["X-Content-Type-Options"] = "nosniff"


@web.middleware
async def clear_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every failure a page people can read, or JSON below `/api/` and `/admin/`."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _failure(request, HTTPStatus(error.status), allow=error.headers.get("Allow"))
    except RefusedError as refused:
        return _failure(request, refused.status, problem=refused.problem)
    except ConnectionError:
        # The client has left, or is left on purpose: nobody is there to read a page.
        if request.transport is not None:
            request.transport.close()
        return web.Response()
    except Exception:
        log.exception("a handler failed", extra={"event": "handler_failed", "path": request.path})
        return _failure(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _failure(
    request: web.Request, status: HTTPStatus, *, problem: str = "", allow: str | None = None
) -> web.Response:
    kept = SOON_AGAIN if status is HTTPStatus.NOT_FOUND and not problem else answers.NO_STORE
    if request.path.startswith(("/api/", faults.PREFIX)):
        value = {"error": problem or status.phrase}
        response = answers.data(request, value, cache_control=kept, status=status)
    else:
        response = answers.text(
            request,
            browse.failure(request, status),
            content_type=answers.HTML,
            cache_control=kept,
            status=status,
            headers=answers.PAGE_HEADERS,
        )
    if allow is not None:
        response.headers["Allow"] = allow
    # What is left of a body that was refused is not waited for.
    if request.body_exists and not request.content.is_eof():
        response.force_close()
    return response
