"""The item behind an id or a link, looked up with an application token."""

from __future__ import annotations

from accounts.models import EbayAccount
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.item_links import legacy_item_id
from ebayconnector.ebay.items import Item, ItemTrouble, get_item, item_trouble
from sniper.refusals import SnipeRefused
from tokens import wire
from tokens.quotas import Lane
from tokens.services.clients import application_client_for
from tokens.services.refresh import TokenUnavailable

_TROUBLES = {
    ItemTrouble.NOT_FOUND: ("item_not_found", "eBay does not know this item"),
    ItemTrouble.IS_GROUP: ("item_is_group", "this is a listing with variations, not an auction"),
    ItemTrouble.NOT_AVAILABLE: ("item_not_available", "eBay says that this item is not available"),
    ItemTrouble.MARKETPLACE: ("item_not_available", "the item is not shown on the account's marketplace"),
}


def look_up(account: EbayAccount, item: str) -> Item:
    """The listing that an id or an eBay link names, as the account's marketplace shows it.

    Raises SnipeRefused (`bad_item`, `item_…`, `ebay_unavailable`).
    """
    item_id = legacy_item_id(item)
    if item_id is None:
        raise SnipeRefused(
            "bad_item", "this is neither an item id nor a link to an eBay item", field="item_id"
        )
    client = application_client_for(
        account.environment, source="sniper", marketplace_id=account.marketplace_id, lane=Lane.MANUAL
    )
    try:
        return get_item(client.trying(1), item_id)
    except EbayError as failure:
        trouble = item_trouble(failure)
        if trouble is None:
            raise SnipeRefused("ebay_unavailable", f"eBay did not show the item: {failure}") from failure
        code, text = _TROUBLES[trouble]
        raise SnipeRefused(code, text, field="item_id") from failure
    except (TokenUnavailable, wire.ApplicationNotConfigured) as failure:
        raise SnipeRefused("ebay_unavailable", f"the item cannot be looked up: {failure}") from failure
