"""OrderTransaction of WonList and Item of BidList (03 §3.7), members in the order of their elements."""

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.listing_body import amount, duration
from ebayconnector.simulator.purchase_book import BIDDING_MS, Purchase, WonEntry
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, iso

_PENDING_MS = 2 * HOUR_MS  # before it is paid


def won_body(entry: WonEntry, now_ms: int) -> JsonObject:
    transactions = [_transaction(one, now_ms) for one in entry.purchases]
    if entry.order_id is None:
        return {"Transaction": transactions[0]}
    currency = entry.purchases[0].currency
    subtotal = sum(one.price * one.quantity for one in entry.purchases)
    order: JsonObject = {"OrderID": entry.order_id, "Subtotal": amount(subtotal, currency)}
    return {"Order": order | {"TransactionArray": {"Transaction": transactions}}}


def _transaction(one: Purchase, now_ms: int) -> JsonObject:
    """PaidTime and ShippedTime are there once it happened; nothing else says that something changed."""
    total = one.price * one.quantity + _postage(one)
    body: JsonObject = {
        "BuyerPaidStatus": _paid_status(one, now_ms),
        "CreatedDate": iso(one.bought_ms),
        "Item": _item(one),
        "OrderLineItemID": one.line_item_id,
    }
    if one.paid_ms <= now_ms:
        body["PaidTime"] = iso(one.paid_ms)
    body |= {"Platform": "eBay", "QuantityPurchased": one.quantity}
    if one.shipped_ms <= now_ms:
        body["ShippedTime"] = iso(one.shipped_ms)
    body["Status"] = {"PaymentHoldStatus": "None"}
    body["TotalPrice"] = amount(total, one.currency)
    body |= {"TotalTransactionPrice": amount(one.price * one.quantity, one.currency)}
    body["TransactionID"] = one.transaction_id
    return body if one.patch is None else apply_patch(body, one.patch)


def _paid_status(one: Purchase, now_ms: int) -> str:
    if one.paid_ms <= now_ms:
        return "Paid"
    return "PaymentPending" if one.paid_ms - now_ms <= _PENDING_MS else "NotPaid"


def _postage(one: Purchase) -> int:
    return 0 if one.place % 3 == 0 else 199 + mix(one.place, 5) % 1_300


def _item(one: Purchase) -> JsonObject:
    """A fixed price may go on after the purchase: its EndTime lies later."""
    ended_ms = one.bought_ms if one.auction else one.bought_ms + one.place % 20 * DAY_MS
    return _head(one) | {
        "ListingDetails": {"EndTime": iso(ended_ms), "ViewItemURL": _address(one)},
        "ListingType": "Chinese" if one.auction else "FixedPriceItem",
        "Seller": {"UserID": _seller_name(one)},
        "SellingStatus": {"CurrentPrice": amount(one.price, one.currency)},
        "ShippingDetails": {
            "ShippingServiceOptions": {"ShippingServiceCost": amount(_postage(one), one.currency)},
            "ShippingType": "Flat",
        },
    }


def _head(one: Purchase) -> JsonObject:
    picture = f"https://i.ebayimg.example/thumbs/{one.item.item_id}.jpg"
    return {"ItemID": one.item.item_id, "PictureDetails": {"GalleryURL": picture}, "Title": one.item.title}


def _address(one: Purchase) -> str:
    return f"https://www.ebay.com/itm/{one.item.item_id}"


def _seller_name(one: Purchase) -> str:
    return one.stranger if one.seller is None else one.seller.username


def bid_body(one: Purchase, bidder: str, now_ms: int) -> JsonObject:
    """An auction that runs: who will not win is overbid in its last day."""
    bids = 1 + (now_ms - (one.bought_ms - BIDDING_MS)) // (6 * HOUR_MS)
    winning = one.wins or one.bought_ms - now_ms > DAY_MS
    price = one.price * (60 + min(40, 3 * bids)) // 100
    return _head(one) | {
        "BiddingDetails": {
            "MaxBid": amount(one.price, one.currency),
            "ConvertedMaxBid": amount(one.price, one.currency),
            "QuantityBid": 1,
            "QuantityWon": 0,
            "Winning": winning,
        },
        "ListingDetails": {"EndTime": iso(one.bought_ms), "ViewItemURL": _address(one)},
        "ListingType": "Chinese",
        "Seller": {"UserID": _seller_name(one)},
        "SellingStatus": {
            "BidCount": bids,
            "CurrentPrice": amount(price, one.currency),
            "HighBidder": {"UserID": bidder if winning else "r***7"},
        },
        "TimeLeft": duration(one.bought_ms - now_ms),
    }
