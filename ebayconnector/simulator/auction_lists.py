"""Auctions in GetMyeBayBuying: those a user bids on, and those that others got (03 §3.7)."""

from ebayconnector.simulator.auction_book import Auction
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.listing_body import amount, duration
from ebayconnector.simulator.listings import Listing
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import iso


def as_listing(auction: Auction) -> Listing:
    """What a purchase needs to know of the item."""
    return Listing(auction.item_id, auction.title, None, auction.book.price, "AUCTION", None, ())


def bid_item(auction: Auction, bidder: Seller, now_us: int) -> JsonObject:
    """An `Item` of BidList or LostList."""
    book, currency, now_ms = auction.book, auction.currency, now_us // 1000
    maximum = amount(book.maximum_of(bidder.user_id) or 0, currency)
    winning = book.leader == bidder.user_id
    return {
        "ItemID": auction.item_id,
        "PictureDetails": {"GalleryURL": f"https://i.ebayimg.example/thumbs/{auction.item_id}.jpg"},
        "Title": auction.title,
        "BiddingDetails": {
            "MaxBid": maximum,
            "ConvertedMaxBid": maximum,
            "QuantityBid": 1,
            "QuantityWon": 0,
            "Winning": winning,
        },
        "ListingDetails": {
            "EndTime": iso(auction.end_us // 1000),
            "ViewItemURL": f"https://www.ebay.com/itm/{auction.item_id}",
        },
        "ListingType": "Chinese",
        "Seller": {"UserID": auction.seller_name},
        "SellingStatus": {
            "BidCount": len(book.bids),
            "CurrentPrice": amount(book.price, currency),
            "HighBidder": {"UserID": bidder.username if winning else "r***7"},
        },
        "TimeLeft": duration(auction.end_us // 1000 - now_ms),
    }
