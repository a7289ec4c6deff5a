"""How eBay fails: single calls, whole APIs, single records, and rows that move while they are read."""

from __future__ import annotations

from .world import World

_PATHS = (
    r"^/sell/fulfillment/v1/order",
    r"^/sell/finances/v1/transaction",
    r"^/sell/finances/v1/(payout|seller_funds|transfer)",
    r"^/sell/inventory/v1/inventory_item",
    r"^/sell/inventory/v1/offer",
    r"^/ws/api\.dll#GetMyMessages",
    r"^/ws/api\.dll#GetMyeBay",
    r"^/post-order/v2/casemanagement",
    r"^/post-order/v2/inquiry",
    r"^/post-order/v2/return",
    r"payment_dispute",
    r"^/sell/|^/ws/|^/post-order/",
)
_KINDS = (
    "server_error", "server_error", "unavailable", "malformed_json", "wrong_content_type", "empty_body",
    "cut", "reset", "slow", "rate_limited", "expired_token", "status",
)  # fmt: skip
# Refusals that eBay gives now and then although nothing is wrong with the call.
_STATUSES = (400, 403, 404, 409)
_RECORDS = {
    "orders": ("orderId", _PATHS[0]),
    "transactions": ("transactionId", _PATHS[1]),
    "payouts": ("payoutId", _PATHS[2]),
    "items": ("sku", _PATHS[3]),
    "offers": ("offerId", _PATHS[4]),
    "messages": ("MessageID", _PATHS[5]),
    "listings": ("ItemID", _PATHS[6]),
    "cases": ("id", _PATHS[7]),
    "inquiries": ("id", _PATHS[8]),
    "returns": ("id", _PATHS[9]),
    "disputes": ("id", _PATHS[10]),
}
_DRIFTS = {
    "drift": ("modify", "create", "refund", "mixed"),
    "stock/drift": ("create", "delete", "change", "mixed"),
    "troubles/drift": ("create", "change", "mixed"),
    "messages/drift": ("arrive", "flags", "answer", "delete", "mixed"),
    "listings/drift": ("sale", "end", "create", "price", "mixed"),
    "purchases/drift": ("buy", "pay", "delete", "mixed"),
}


class Faults:
    """Random faults of the simulator."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = world.dice

    def some(self) -> str:
        fault = self.dice.choice(
            [self.of_calls, self.of_calls, self.of_a_record, self.moving, self.of_tokens]
        )
        return f"{fault.__name__}: {fault()}"

    def of_calls(self) -> str:
        path, kind = self.dice.choice(_PATHS), self.dice.choice(_KINDS)
        count = self.dice.choice([1, 2, 3, 8, 40])
        skip = self.dice.choice([0, 0, 1, 2, 5])
        status = self.dice.choice(_STATUSES) if kind == "status" else None
        self.world.ebay.fault(path, kind, count=count, skip=skip, delay_s=0.02, status=status)
        return f"{kind} {status or ''} {count} times after {skip} at {path}"

    def of_a_record(self) -> str:
        """Whatever answer would hold it is an error."""
        kind = self.dice.choice(sorted(_RECORDS))
        name, path = _RECORDS[kind]
        account = self.dice.choice(self.world.accounts)
        rows = self.world.everything(kind, account)
        if not rows:
            return f"no {kind}"
        key = str(self.dice.choice(rows[-15:])[name])
        self.world.ebay.fault(path, "poison", contains=key, count=None)
        return f"poison {key} of {kind}"

    def moving(self) -> str:
        path = self.dice.choice(["drift", "drift", *sorted(_DRIFTS)])
        kind, per_page, pages = (
            self.dice.choice(_DRIFTS[path]),
            self.dice.randint(1, 3),
            self.dice.randint(1, 8),
        )
        account = self.dice.choice(self.world.accounts)
        self.world.ebay.post(path, seller=account.username, kind=kind, per_page=per_page, pages=pages)
        return f"{path} of {account.username}: {kind}, {per_page} a page, {pages} pages"

    def storm(self) -> str:
        """Everything moves while it is read, orders most."""
        for account in self.world.accounts:
            for path, kinds in _DRIFTS.items():
                most = 6 if path == "drift" else 3
                body = {"kind": self.dice.choice(kinds), "per_page": self.dice.randint(1, most)}
                self.world.ebay.post(path, seller=account.username, pages=self.dice.randint(4, 12), **body)
        return "all drifts"

    def of_tokens(self) -> str:
        account = self.dice.choice(self.world.accounts)
        self.world.ebay.post("tokens/expire", seller=account.username)
        if self.dice.random() < 0.5:
            self.world.ebay.fault("#refresh_token", "server_error", count=self.dice.randint(1, 3))
        return account.username

    def over(self) -> None:
        ebay = self.world.ebay
        ebay.delete("faults")
        for path in _DRIFTS:
            ebay.post(path, per_page=0)
