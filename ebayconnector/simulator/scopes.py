"""The scopes that eBay knows (03 §15), for which grant, and what the consent page says about them."""

BASE = "https://api.ebay.com/oauth/api_scope"

_USER = (
    "sell.fulfillment", "sell.fulfillment.readonly", "sell.finances", "sell.inventory",
    "sell.inventory.readonly", "sell.payment.dispute", "sell.account", "sell.account.readonly",
    "sell.marketing", "sell.marketing.readonly", "sell.analytics.readonly",
    "sell.marketplace.insights.readonly", "sell.item.draft", "sell.logistics",
    "commerce.identity.readonly", "commerce.identity.name.readonly",
    "commerce.identity.address.readonly", "commerce.identity.email.readonly",
    "commerce.identity.phone.readonly", "commerce.notification.subscription",
    "commerce.notification.subscription.readonly", "commerce.catalog.readonly", "commerce.message",
    "buy.offer.auction", "buy.order", "buy.order.readonly", "buy.shopping.cart", "sell.reputation",
    "sell.reputation.readonly", "sell.stores", "sell.stores.readonly", "commerce.feedback",
    "commerce.shipping", "commerce.vero", "sell.inventory.mapping",
)  # fmt: skip

_CLIENT = (
    "buy.item.bulk", "buy.item.feed", "buy.product.feed", "buy.deal", "buy.marketing",
    "buy.marketplace.insights", "buy.guest.order", "metadata.insights",
)  # fmt: skip

BUY_OFFER_AUCTION = f"{BASE}/buy.offer.auction"

USER_SCOPES = frozenset({BASE, *(f"{BASE}/{name}" for name in _USER)})
CLIENT_SCOPES = frozenset({BASE, *(f"{BASE}/{name}" for name in _CLIENT)})
ALL_SCOPES = USER_SCOPES | CLIENT_SCOPES

# A keyset gets bidding only after eBay's approval (03 §9), so the default application lacks it.
DEFAULT_SCOPES = ALL_SCOPES - {BUY_OFFER_AUCTION}

_WORDS = {
    "": "View public data from eBay",
    "sell.fulfillment": "View and manage your order fulfillments",
    "sell.fulfillment.readonly": "View your order fulfillments",
    "sell.finances": "View and manage your payment and order information",
    "sell.inventory": "View and manage your inventory and offers",
    "sell.inventory.readonly": "View your inventory and offers",
    "sell.payment.dispute": "View and manage disputes and related details",
    "commerce.identity.readonly": "View a user's basic information, such as username",
    "commerce.message": "View and send your messages",
    "commerce.notification.subscription": "View and manage your event notification subscriptions",
    "buy.offer.auction": "View and manage your bidding activities for auctions",
}


def scope_in_words(scope: str) -> str:
    name = scope.removeprefix(BASE).removeprefix("/")
    return _WORDS.get(name) or f"Use {name.replace('.', ' ')}"
