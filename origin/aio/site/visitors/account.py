"""What the shop makes up of a visitor from a hash of the cookie: a name, an address, orders.

The same `sid` has the same past in every process; nothing of the cookie itself is shown.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from origin.aio.site.catalogue import PRODUCTS, Product

_LATEST = date(2025, 3, 20)
_STREETS = ("Larch Row", "Ferry Steps", "Old Mill Road", "Hill Street", "Signal Lane", "Tarn Close")
_TOWNS = ("Halfway", "Middleton", "Upper Ford", "Saltmarsh", "Fellside", "Packhorse Bridge")
_STATES = ("Arrived", "Arrived", "Arrived, and one thing came back", "Collected at the counter")
_MANNERS = (  # noqa: SIM905 - a list of quoted words would be hard to read
    "Brisk Candid Distant Fearless Gentle Hardy Homeward Jolly Keen Lucky Merry Nimble "
    "Patient Quiet Rambling Silver Steady Tall Trusty Wandering Weathered Wry"
).split()
_CREATURES = (  # noqa: SIM905 - a list of quoted words would be hard to read
    "Badger Bittern Chamois Curlew Dipper Falcon Fox Goshawk Hare Heron Jackdaw Kestrel Lark Lynx "
    "Marmot Marten Otter Plover Ptarmigan Raven Swift Tern Vole Wren"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something that was never bought."""

    number: str
    on: date
    state: str
    lines: tuple[tuple[Product, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A visitor's past with the shop."""

    trail_name: str
    street: str
    town: str
    miles: int
    orders: tuple[Order, ...]


def trail_name(sid: str) -> str:
    """What the shop calls who gave no name: `Quiet Heron`."""
    manner, creature, *_ = _digest(sid)
    return f"{_MANNERS[manner % len(_MANNERS)]} {_CREATURES[creature % len(_CREATURES)]}"


def account_of(sid: str) -> Account:
    """The past that belongs to this cookie."""
    rng = random.Random(int.from_bytes(_digest(sid), "big"))
    return Account(
        trail_name=trail_name(sid),
        street=f"{rng.randint(1, 88)} {rng.choice(_STREETS)}",
        town=rng.choice(_TOWNS),
        miles=rng.randint(40, 4200),
        orders=tuple(_orders(rng)),
    )


def _digest(sid: str) -> bytes:
    return sha256(sid.encode(errors="surrogateescape")).digest()


def _orders(rng: random.Random) -> Iterator[Order]:
    on = _LATEST
    for _ in range(rng.randint(2, 5)):
        on -= timedelta(days=rng.randint(9, 140))
        products = rng.sample(PRODUCTS, rng.randint(1, 4))
        yield Order(
            number=f"MO-{rng.randrange(10**8):08d}",
            on=on,
            state=rng.choice(_STATES),
            lines=tuple((product, rng.choice((1, 1, 1, 2))) for product in products),
        )
