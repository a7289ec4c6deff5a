"""Items and bids as Browse and Buy Offer write them (03 §8.1, §9)."""

from ebayconnector.simulator.auction_book import Auction
from ebayconnector.simulator.auction_increments import increment
from ebayconnector.simulator.auction_proxy import ProxyBook
from ebayconnector.simulator.auction_settings import MARKETPLACES, converted
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.times import iso

_SUGGESTIONS = 3


def amount(cents: int, currency: str) -> JsonObject:
    return {"value": cents_text(cents), "currency": currency}


def cents_text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def shown_amount(cents: int, currency: str, marketplace: str) -> JsonObject:
    """As visitors of a marketplace see it: converted where they pay in another currency."""
    own = MARKETPLACES[marketplace]
    if own == currency:
        return amount(cents, currency)
    return amount(converted(cents, currency, own), own) | {
        "convertedFromValue": cents_text(cents),
        "convertedFromCurrency": currency,
    }


def item_body(auction: Auction, book: ProxyBook, marketplace: str) -> JsonObject:
    """`book` is what Browse knows of the bids, which may be old."""
    number, is_auction = int(auction.item_id), auction.kind == "auction"
    body: JsonObject = {
        "itemId": auction.rest_id,
        "title": auction.title,
        "price": shown_amount(_price(auction, book), auction.currency, marketplace),
        "categoryPath": "Collectibles|Other",
        "condition": "Used",
        "conditionId": "3000",
        "itemLocation": {"city": auction.site.places[0][0], "country": auction.site.country},
        "image": {"imageUrl": f"https://i.ebayimg.example/images/{auction.item_id}/s-l1600.jpg"},
        "itemCreationDate": iso(auction.start_us // 1000),
        "seller": {
            "username": auction.seller_name,
            "feedbackPercentage": "99.8",
            "feedbackScore": mix(number) % 5_000,
        },
        "estimatedAvailabilities": [{"estimatedAvailabilityStatus": "IN_STOCK"}],
        "buyingOptions": _options(auction, book),
        "itemWebUrl": f"https://www.ebay.com/itm/{auction.item_id}",
        "legacyItemId": auction.item_id,
        "listingMarketplaceId": auction.site.marketplace,
        "adultOnly": auction.adult,
    }
    if is_auction:
        body |= _bids(auction, book, marketplace)
    return body


def _price(auction: Auction, book: ProxyBook) -> int:
    """The price to buy it now where that goes, else the current one."""
    buy_it_now = auction.buy_it_now
    return book.price if buy_it_now is None or (auction.kind == "auction" and book.bids) else buy_it_now


def _options(auction: Auction, book: ProxyBook) -> list[str]:
    if auction.kind != "auction":
        return ["FIXED_PRICE", "BEST_OFFER"]
    return ["FIXED_PRICE", "AUCTION"] if auction.buy_it_now is not None and not book.bids else ["AUCTION"]


def _bids(auction: Auction, book: ProxyBook, marketplace: str) -> JsonObject:
    body: JsonObject = {
        "itemEndDate": iso(auction.end_us // 1000),
        "currentBidPrice": shown_amount(book.price, auction.currency, marketplace),
        "minimumPriceToBid": shown_amount(book.minimum, auction.currency, marketplace),
        "bidCount": len(book.bids),
        "uniqueBidderCount": len(book.maxima),
    }
    met = book.reserve_met
    return body if met is None else body | {"reservePriceMet": met}


def bidding_body(auction: Auction, bidder: str, now_us: int) -> JsonObject:
    """What one bidder may know; who leads is nobody when it ended otherwise than by time."""
    book, over = auction.book, auction.is_over(now_us)
    own = [bid for bid in book.bids if bid.bidder == bidder and bid.raises]
    leads = book.leader == bidder and auction.ended_by in (None, "time")
    body: JsonObject = {
        "itemId": auction.rest_id,
        "auctionStatus": "ENDED" if over else "LIVE",
        "auctionEndDate": iso(auction.end_us // 1000),
        "bidCount": len(book.bids),
        "currentPrice": amount(book.price, auction.currency),
        "currentProxyBid": {
            "proxyBidId": proxy_bid_id(auction, own[-1].number),
            "maxAmount": amount(own[-1].maximum, auction.currency),
        },
        "highBidder": leads,
    }
    if book.reserve_met is not None:
        body["reservePriceMet"] = book.reserve_met
    if not over:
        body["suggestedBidAmounts"] = _suggestions(book)
    return body


def _suggestions(book: ProxyBook) -> list[JsonObject]:
    amounts = [book.minimum]
    while len(amounts) < _SUGGESTIONS:
        amounts.append(amounts[-1] + increment(amounts[-1], book.currency))
    return [amount(cents, book.currency) for cents in amounts]


def proxy_bid_id(auction: Auction, number: int) -> str:
    return str(10_000_000_000 + mix(int(auction.item_id), number) % 89_000_000_000)
