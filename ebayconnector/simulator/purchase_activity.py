"""What happens to purchases by hand: something is bought, paid, sent, or deleted from the list."""

from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.purchase_book import NEVER, Purchase, PurchaseBook

PurchaseChange = Literal["buy", "pay", "ship", "delete"]
PURCHASE_CHANGES: tuple[str, ...] = get_args(PurchaseChange)


def change_purchase(
    book: PurchaseBook, source: Random, now_ms: int, kind: PurchaseChange | None = None
) -> str | None:
    """One change; answers the OrderLineItemID, None when nothing could change that way."""
    kind = kind or ("buy" if source.random() < 0.5 else "pay" if source.random() < 0.5 else "ship")
    if kind == "buy":
        return book.buy(source, now_ms)[0].line_item_id
    able = [one for one in book.purchases.values() if _applies(one, kind, now_ms)]
    if not able:
        return None
    chosen = source.choice(able)
    if kind == "delete":
        book.remove(chosen)
    elif kind == "pay":
        book.change(chosen, paid_ms=now_ms, shipped_ms=NEVER)
    else:
        book.change(chosen, shipped_ms=now_ms)
    return chosen.line_item_id


def _applies(one: Purchase, kind: PurchaseChange, now_ms: int) -> bool:
    if not one.wins or one.bought_ms > now_ms:
        return False
    match kind:
        case "pay":
            return one.paid_ms > now_ms
        case "ship":
            return one.paid_ms <= now_ms < one.shipped_ms
        case _:
            return True
