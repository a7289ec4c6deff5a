"""The people who buy: a name, an address and a way to reach them, drawn from an order's randomness."""

from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.randomness import immutable_user_id
from ebayconnector.simulator.sites import SITES, Site

_HANDLES = ("kite", "harbor", "moss", "tin_drum", "paper-fox", "quartz", "old.barn", "ferry")


@dataclass(frozen=True, slots=True)
class Buyer:
    username: str
    full_name: str
    company: str | None
    email: str
    phone: str
    address_line_1: str
    address_line_2: str | None
    city: str
    state: str
    postal_code: str
    site: Site


def draw_buyer(source: Random, seller_site: Site) -> Buyer:
    """Mostly from the seller's own country. Some US users are shown by their immutable id (03 §0, 23)."""
    site = seller_site if source.random() < 0.9 else SITES[source.choice(("US", "GB", "DE", "FR", "AU"))]
    hidden = site.key == "US" and source.random() < 0.25
    handle = f"{source.choice(_HANDLES)}_{source.randrange(10_000)}"
    city, state, postal_code = source.choice(site.places)
    return Buyer(
        username=immutable_user_id(source) if hidden else handle,
        full_name=f"{source.choice(site.first_names)} {source.choice(site.last_names)}",
        company="Grün & Söhne <GmbH>" if source.random() < 0.05 else None,
        email=f"{source.randbytes(8).hex()}@members.ebay.com",
        phone=f"+{source.randrange(10**10, 10**11)}",
        address_line_1=f"{source.randrange(1, 400)} {source.choice(site.streets)}",
        address_line_2="c/o Łukasz" if source.random() < 0.1 else None,
        city=city,
        state=state,
        postal_code=postal_code,
        site=site,
    )
