"""Who is visiting: a random cookie, and the trail name that the shop makes of it.

The cookie's value is never shown, only what its hash picks from two lists; so whatever a client
puts into it, nothing of it is reflected.
"""

import hashlib
import secrets

from aiohttp import web

COOKIE = "sid"
COOKIE_AGE_S = 30 * 86_400
STRANGER = "stranger"

_MANNERS = (  # noqa: SIM905 - a list of quoted words would be hard to read
    "Brisk Candid Distant Fearless Gentle Hardy Homeward Jolly Keen Lucky Merry Nimble "
    "Patient Quiet Rambling Silver Steady Tall Trusty Wandering Weathered Wry"
).split()
_CREATURES = (  # noqa: SIM905 - a list of quoted words would be hard to read
    "Badger Bittern Chamois Curlew Dipper Falcon Fox Goshawk Hare Heron Jackdaw Kestrel Lark Lynx "
    "Marmot Marten Otter Plover Ptarmigan Raven Swift Tern Vole Wren"
).split()


def trail_name(request: web.Request) -> str:
    """`Quiet Heron`, the same for the same cookie everywhere; `stranger` without one."""
    sid = request.cookies.get(COOKIE)
    if not sid:
        return STRANGER
    picked = hashlib.sha256(sid.encode(errors="surrogateescape")).digest()
    return f"{_MANNERS[picked[0] % len(_MANNERS)]} {_CREATURES[picked[1] % len(_CREATURES)]}"


async def me(request: web.Request) -> web.Response:
    """`/api/me`: the visitor's name; whoever comes without a cookie is given one."""
    known = bool(request.cookies.get(COOKIE))
    response = web.json_response(
        {"name": trail_name(request), "returning": known},
        headers={"Cache-Control": "private, no-store"},
    )
    if not known and request.method == "GET":
        response.set_cookie(
            COOKIE,
            secrets.token_hex(16),
            max_age=COOKIE_AGE_S,
            path="/",
            httponly=True,
            samesite="Lax",
        )
    return response
