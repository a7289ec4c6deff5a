"""The people who sell on the simulator."""

import base64
from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.randomness import immutable_user_id
from ebayconnector.simulator.sites import SITES, Site

SELLER_STATUSES = ("CONFIRMED", "UNCONFIRMED", "ACCOUNTONHOLD", "UNDETERMINED")

_DEFAULT_SELLERS = (
    ("northwind_parts", "US", "BUSINESS"),
    ("thames_tools", "GB", "BUSINESS"),
    ("mueller_technik", "DE", "BUSINESS"),
    ("flohmarkt_anna", "DE", "INDIVIDUAL"),
    ("brocante_zoe", "FR", "INDIVIDUAL"),
    ("outback_spares", "AU", "BUSINESS"),
)


@dataclass(slots=True)
class Seller:
    """`user_id` and `eias_token` never change; `username` may (03 §2). `number` is the seller's place."""

    number: int
    user_id: str
    username: str
    eias_token: str
    account_type: str
    site: Site
    first_name: str
    last_name: str
    initial_orders: int
    status: str = "CONFIRMED"
    feedback_score: int = 0

    def as_json(self) -> JsonObject:
        return {
            "username": self.username,
            "userId": self.user_id,
            "eiasToken": self.eias_token,
            "accountType": self.account_type,
            "registrationMarketplaceId": self.site.marketplace,
            "site": self.site.key,
            "tradingSite": self.site.trading_name,
            "status": self.status,
        }


def new_seller(*, number: int, username: str, site: Site, account_type: str, orders: int) -> Seller:
    """The identity follows from the first username alone, so that it survives a reset with another seed."""
    source = Random(f"seller:{username}")
    eias = base64.b64encode(b"nY+sHZ2PrBmdj6wV" + source.randbytes(24)).decode()
    return Seller(
        number=number,
        user_id=immutable_user_id(source),
        username=username,
        eias_token=eias,
        account_type=account_type,
        site=site,
        first_name=source.choice(site.first_names),
        last_name=source.choice(site.last_names),
        initial_orders=orders,
        feedback_score=source.randrange(10, 90_000),
    )


def default_sellers(orders: int) -> list[Seller]:
    return [
        new_seller(number=number, username=username, site=SITES[site], account_type=kind, orders=orders)
        for number, (username, site, kind) in enumerate(_DEFAULT_SELLERS, start=1)
    ]
