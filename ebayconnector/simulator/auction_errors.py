"""The errors of Browse and Buy Offer with the texts of their contracts (03 §8, §9)."""

from ebayconnector.simulator.ebay_errors import EbayError, rest_body

_BAD_REQUEST, _CONFLICT = 400, 409

_OFFER: dict[int, tuple[int, str]] = {
    120001: (
        _BAD_REQUEST,
        "The item ID {itemId} was not found. Check that this is an active auction item ID.",
    ),
    120002: (
        _CONFLICT,
        "The auction was ended because the item was purchased with Buy It Now (fixed_price).",
    ),
    120003: (_CONFLICT, "A seller cannot place a bid."),
    120004: (_CONFLICT, "You are not eligible to bid on this item."),
    120005: (_CONFLICT, "The bid price cannot be greater than the Buy It Now price."),
    120006: (_CONFLICT, "You are not eligible to bid on this item due to seller restrictions."),
    120007: (_BAD_REQUEST, "The bid amount is too high."),
    120008: (_CONFLICT, "The bid amount is too low."),
    120009: (_CONFLICT, "The bid currency needs to match the item price currency."),
    120010: (_CONFLICT, "You cannot lower your proxy bid."),
    120011: (_BAD_REQUEST, "The bid amount exceeds the limit."),
    120012: (_CONFLICT, "The auction has ended."),
    120013: (_BAD_REQUEST, "The bid amount is missing or invalid."),
    120014: (
        _BAD_REQUEST,
        "The bid currency is invalid. Refer to the documentation for a list of currency codes.",
    ),
    120015: (_BAD_REQUEST, "The X-EBAY-C-MARKETPLACE-ID header is missing. This is a required header."),
    120016: (_BAD_REQUEST, "The maximum bid amount is missing."),
    120017: (
        _BAD_REQUEST,
        "The Marketplace {marketplaceId} is not supported. Supported values are {allowedMarketplaces}.",
    ),
    120018: (_BAD_REQUEST, "For this auction, the bid amount cannot have decimals."),
    120019: (_CONFLICT, "You must be pre-approval to bid on this auction."),
    120020: (_CONFLICT, "A user agreement acceptance is required for this auction."),
    120021: (
        _CONFLICT,
        "You are not authorized to bid on adult items. See the eBay help on adult items.",
    ),
    120022: (_CONFLICT, "A privacy user agreement is required for this auction."),
    120023: (_CONFLICT, "This is a business to business only auction."),
    120024: (_CONFLICT, "The item is currently unavailable."),
    120025: (_CONFLICT, "The bid was blocked because you have exceeded the item purchased limit."),
    120026: (_CONFLICT, "The bid was blocked due to a seller restriction based on your feedback score."),
    120027: (_CONFLICT, "The bid was blocked due to a seller restriction on the shipping location."),
    120028: (_CONFLICT, "The auction is restricted to users with a linked PayPal accounts."),
    120029: (_CONFLICT, "There has been a buyer policy violation."),
    120030: (_CONFLICT, "The bid was blocked due to unpaid items."),
    120031: (_CONFLICT, "This requires credit card verification."),
    120032: (_BAD_REQUEST, "This requires the user's consent for adult items."),
    120033: (_BAD_REQUEST, "There is no bidding activity for this auction (item ID {itemId})."),
}
REFUSAL_IDS = frozenset(_OFFER)

_BROWSE: dict[int, tuple[int, str]] = {
    11001: (404, "The specified item Id was not found."),
    11003: (_BAD_REQUEST, "The specified legacy item ID was not found."),
    11004: (
        _BAD_REQUEST,
        "The item is not available for purchase. This can be for many reasons, such as when the listing is "
        "being updated by the seller. Wait a few minutes and try the call again.",
    ),
    11006: (_BAD_REQUEST, "The legacy ID is invalid. Use {itemGroupHref} to get the item group details."),
    11009: (_BAD_REQUEST, "The legacy variation sku is invalid."),
    11010: (
        _BAD_REQUEST,
        "You cannot submit legacy_variation_sku and legacy_variation_id in the same request. For help, see "
        "the documentation.",
    ),
    11011: (
        _BAD_REQUEST,
        "The marketplace value {marketplaceId} is not supported. The supported values are: "
        "{allowedMarketplaces}",
    ),
}


class OfferError(EbayError):
    """An error of Buy Offer that the log of bids can name."""

    def __init__(self, error_id: int, parameters: dict[str, str]) -> None:
        status, text = _OFFER[error_id]
        super().__init__(status, _body(error_id, text, "API_OFFER", status, parameters))
        self.error_id = error_id


def offer_error(error_id: int, **parameters: str) -> OfferError:
    return OfferError(error_id, parameters)


def browse_error(error_id: int, **parameters: str) -> EbayError:
    status, text = _BROWSE[error_id]
    return EbayError(status, _body(error_id, text, "API_BROWSE", status, parameters))


def _body(
    error_id: int, text: str, domain: str, status: int, parameters: dict[str, str]
) -> dict[str, object]:
    return rest_body(
        error_id,
        text.format(**parameters),
        domain=domain,
        category="BUSINESS" if status == _CONFLICT else "REQUEST",
        parameters=parameters,
    )
