"""The demo shop behind the network: whose pages are whose, releases, faults, the film."""

import re
import ssl
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import aiohttp
import pytest
import pytest_asyncio

from origin.aio.site.releases.release import changes
from tests.kit.network import Running, grounds, running
from tests.scenario.visitor import get

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = "shop.cdn.test"
FAULTS = ('role = "origin"', 'role = "origin"\nfaults = true')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds("demo.toml", FAULTS) as place:
        async with running(place) as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@pytest.fixture
def edge(network: Running) -> str:
    return f"http://{network.edge('west').advertise.http}"


async def test_a_login_by_https_is_kept_from_everybody_else(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """Secure cookies, pages of one's own that no edge shares, and the shared one for all others."""
    trusted = ssl.create_default_context(cafile=network.authority)
    secure = network.edge("west").advertise.https
    url = f"https://{secure}"
    ada = {"name": "Ada Lovelace", "password": "analytical", "back": "/about"}
    fields = {"Host": SHOP, "Origin": f"https://{SHOP}"}
    async with session.post(
        f"{url}/login",
        data=ada,
        headers=fields,
        allow_redirects=False,
        ssl=trusted,
        server_hostname=SHOP,
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/about")
        cookies: SimpleCookie = response.cookies
    assert set(cookies) == {"sid", "visitor"}
    assert all(cookie["secure"] and cookie["httponly"] for cookie in cookies.values())
    mine = "; ".join(f"{cookie.key}={cookie.coded_value}" for cookie in cookies.values())
    for cookie, greeted in ((mine, True), ("", False), (mine, True), ("", False)):
        headers = {"Host": SHOP, **({"Cookie": cookie} if cookie else {})}
        async with session.get(
            f"{url}/", headers=headers, ssl=trusted, server_hostname=SHOP
        ) as page:
            assert ("Ada Lovelace" in await page.text()) is greeted
            assert page.headers["Cache-Control"].startswith("private" if greeted else "public")


async def test_a_strange_form_is_refused_at_the_shop(
    session: aiohttp.ClientSession, edge: str
) -> None:
    """The edge forwards the Host that was asked for, by which the shop knows its own pages."""
    fields = {"Host": SHOP, "Origin": "https://bank.example"}
    async with session.post(f"{edge}/logout", data={"x": "1"}, headers=fields) as response:
        assert response.status == 403


async def test_the_film_can_be_sought_in(session: aiohttp.ClientSession, edge: str) -> None:
    """Fifty megabytes, any part of which comes through the network by itself."""
    part = await get(session, f"{edge}/media/film.webm", host=SHOP, range="bytes=30000000-30000999")
    assert (part.status, len(part.body)) == (206, 1000)
    size = int(part.headers["Content-Range"].rpartition("/")[2])
    assert 49_500_000 < size < 50_500_000


async def test_a_release_is_brought_out_while_it_runs(
    network: Running, session: aiohttp.ClientSession, edge: str
) -> None:
    """`midmile shop release`: a new style in new pages, the old one where it was."""
    before = await get(session, f"{edge}/about?before", host=SHOP)
    style = _style(before.body)
    since = network.mark()
    place = network.grounds
    done = await network.midmile(
        "shop", "release", "--network", str(place.file), "--state", str(place.state)
    )
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("shop-origin shows release 1; before, release 0\n")
    shown = await network.heard(since=since, event="release-shown", node="shop-origin")
    assert shown["release"] == 1
    after = await get(session, f"{edge}/?after", host=SHOP)
    assert changes(1).banner.encode() in after.body.replace(b"&#39;", b"'")
    assert _style(after.body) != style
    for path in (style, _style(after.body)):
        assert (await get(session, f"{edge}{path}", host=SHOP)).status == 200


def _style(page: bytes) -> str:
    found = re.search(r"/assets/site\.[0-9a-f]+\.css", page.decode())
    assert found is not None
    return found[0]


async def test_what_the_shop_cuts_off_is_never_served_as_whole(
    network: Running, session: aiohttp.ClientSession, edge: str
) -> None:
    """Each visitor notices; when the shop is well again they get all of it."""
    origin = network.network.sites[0].origins[0]
    faults = f"http://{origin.host}:{origin.port}/admin/faults"
    for reset in (0, 1):
        url = f"{edge}/objects/100KB?reset={reset}"
        cut = {"after": 500, "of": 9_000, "reset": reset, "cache": 60}
        wish = {"path": "/objects/100KB", "kind": "close", "parameters": cut}
        async with session.post(faults, json=wish) as armed:
            assert armed.status == 200
        for _ in range(2):
            assert not await _is_whole(session, url)
        async with session.delete(faults) as cleared:
            assert cleared.status == 200
        assert await _is_whole(session, url)


async def _is_whole(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether a visitor gets an object; False where the visitor notices that it is cut."""
    try:
        answer = await get(session, url, host=SHOP)
    except aiohttp.ClientError:
        return False
    assert answer.status != 200 or len(answer.body) == 100 * 1024
    return answer.status == 200
