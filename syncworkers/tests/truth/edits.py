"""What happens at eBay: records come, change, go and break. Each edit says in words what it did.

Nothing happens that eBay does not do: orders do not vanish, and what is final stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from accounts.models import EbayAccount
from syncworkers.tests.running import iso

from .world import World

_OPEN_TRANSACTIONS = ("FUNDS_PROCESSING", "FUNDS_ON_HOLD", "FUNDS_AVAILABLE_FOR_PAYOUT")
_LIVE_PAYOUTS = ("INITIATED", "RETRYABLE_FAILED")
# 03 §3.5: the inbox is 0; the others are the simulator's.
_SENT, _FOLDERS = 1, (0, 6, 11)
# Of what is open one part of the details, other than before.
_SILENT_DETAILS = {
    "returns": lambda words: {"sellerAddress": {"name": words}},
    "disputes": lambda words: {"note": words},
}


class Edits:
    """Random changes at eBay."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = world.dice
        self.broken: list[Callable[[], None]] = []
        # What eBay shows no longer, and how it comes back.
        self.away: list[Callable[[], None]] = []

    def some(self) -> str:
        account = self.dice.choice(self.world.accounts)
        edit = self.dice.choice(
            [
                self.orders, self.new_orders, self.late_order, self.break_order, self.drop_line,
                self.transactions, self.fee, self.drop_fee, self.payouts, self.stock, self.break_item,
                self.letters, self.move_letter, self.break_letter, self.listings, self.send_away,
                self.purchases, self.troubles, self.new_trouble, self.silent_trouble, self.silent_detail,
            ]
        )  # fmt: skip
        return f"{edit.__name__} of {account.username}: {edit(account)}"

    def _post(self, path: str, account: EbayAccount, **body: Any) -> Any:
        return self.world.ebay.post(path, seller=account.username, **body)

    def _patch(self, path: str, account: EbayAccount, **body: Any) -> Any:
        return self.world.ebay.patch(path, seller=account.username, **body)

    def _count(self) -> int:
        return self.dice.randint(1, 4)

    def orders(self, account: EbayAccount) -> Any:
        kind = self.dice.choice([None, "ship", "refund", "full_refund", "cancel_request", "cancel", "touch"])
        return self._post("orders/change", account, count=self._count(), **({"kind": kind} if kind else {}))

    def new_orders(self, account: EbayAccount) -> Any:
        return self._post("orders", account, count=self._count())

    def late_order(self, account: EbayAccount) -> Any:
        """It appears some minutes after its own time: what the overlap is for."""
        at = iso(self.world.now() - timedelta(minutes=self.dice.randint(1, 25)))
        return self._post("orders", account, created_at=at, modified_at=at)

    def break_order(self, account: EbayAccount) -> Any:
        """An amount that is none; about half of them are made whole again."""
        ids = list(self.world.ebay.order_ids(account.username))
        if not ids:
            return "none"
        order_id = self.dice.choice(ids)

        def write(value: str) -> None:
            overrides = {"pricingSummary": {"total": {"value": value}}}
            self._patch(f"orders/{order_id}", account, overrides=overrides)

        write("twelve")
        self._maybe_heal(lambda: write("12.00"))
        return order_id

    def drop_line(self, account: EbayAccount) -> Any:
        """An order loses a line: what was stored of it must go."""
        rows = [each for each in self.world.everything("orders", account) if len(each["lineItems"]) > 1]
        if not rows:
            return "each has one"
        row = self.dice.choice(rows)
        self._patch(f"orders/{row['orderId']}", account, overrides={"lineItems": row["lineItems"][:-1]})
        return row["orderId"]

    def touch_orders(self, account: EbayAccount) -> Any:
        """Seen again later, when eBay withholds more of them."""
        return self._post("orders/change", account, count=8, kind="touch")

    def break_for_good(self, account: EbayAccount) -> Any:
        """A record that can never be stored: the product must say so."""
        healing, self.broken = self.broken, []
        edit = self.dice.choice([self.break_order, self.break_item, self.break_letter])
        found = edit(account)
        self.broken = healing
        return edit.__name__, found

    def _maybe_heal(self, heal: Callable[[], None]) -> None:
        if self.dice.random() < 0.6:
            self.broken.append(heal)

    def heal_broken(self) -> None:
        while self.broken:
            self.broken.pop()()

    def _transactions(self, account: EbayAccount) -> list[dict[str, Any]]:
        rows = self.world.everything("transactions", account)
        return [row for row in rows if row["transactionStatus"] in _OPEN_TRANSACTIONS]

    def transactions(self, account: EbayAccount) -> Any:
        """A status that changes without a date."""
        rows = self._transactions(account)
        if not rows:
            return "none is open"
        row = self.dice.choice(rows)
        status = self.dice.choice(["FAILED", "COMPLETED", "FUNDS_AVAILABLE_FOR_PAYOUT", "FUNDS_ON_HOLD"])
        self._patch(
            f"transactions/{row['transactionId']}",
            account,
            transactionType=row["transactionType"],
            transactionStatus=status,
        )
        return f"{row['transactionId']} {row['transactionType']} {row['transactionStatus']} -> {status}"

    def fee(self, account: EbayAccount) -> Any:
        """A fee that comes later; the order's own sum follows, with a change of the order."""
        rows = [row for row in self._transactions(account) if row["transactionType"] == "SALE"]
        if not rows:
            return "no sale is open"
        row = self.dice.choice(rows)
        fee = {"feeType": "AD_FEE_LATER", "amount": f"0.{self.dice.randint(10, 99)}"}
        self._patch(f"transactions/{row['transactionId']}", account, fee=fee)
        self._patch(f"orders/{row['orderId']}", account, overrides={})
        return f"{row['transactionId']} {fee['amount']}"

    def drop_fee(self, account: EbayAccount) -> Any:
        """One fee less than before: fees are a set."""
        rows = [
            row for row in self._transactions(account)
            if row.get("orderLineItems") and len(row["orderLineItems"][0].get("marketplaceFees", ())) > 1
        ]  # fmt: skip
        if not rows:
            return "none has two"
        row = self.dice.choice(rows)
        first, *others = row["orderLineItems"]
        lines = [{**first, "marketplaceFees": first["marketplaceFees"][1:]}, *others]
        self._patch(
            f"transactions/{row['transactionId']}",
            account,
            transactionType=row["transactionType"],
            overrides={"orderLineItems": lines},
        )
        return row["transactionId"]

    def payouts(self, account: EbayAccount) -> Any:
        rows = self.world.everything("payouts", account)
        rows = [row for row in rows if row["payoutStatus"] in _LIVE_PAYOUTS]
        if not rows:
            return "none is on its way"
        row = self.dice.choice(rows)
        status = self.dice.choice(["SUCCEEDED", "RETRYABLE_FAILED", "TERMINAL_FAILED"])
        self._patch(f"payouts/{row['payoutId']}", account, payoutStatus=status)
        return f"{row['payoutId']} {row['payoutStatus']} -> {status}"

    def stock(self, account: EbayAccount) -> Any:
        likely = [None, "sale", "price", "publish", "withdraw", "create"]
        kind = self.dice.choice([*likely, *["delete", "delete_offer"] * 2])
        return self._post("stock/change", account, count=self._count(), **({"kind": kind} if kind else {}))

    def break_item(self, account: EbayAccount) -> Any:
        items = self.world.ebay.get("stock", seller=account.username)["items"]
        if not items:
            return "none"
        sku = self.dice.choice(items)["sku"]

        def write(value: Any) -> None:
            skus = {each["sku"] for each in self.world.ebay.get("stock", seller=account.username)["items"]}
            if sku in skus:
                self._patch("stock", account, sku=sku, overrides={"availability": value})

        write("none")
        self._maybe_heal(lambda: write(None))
        return sku

    def letters(self, account: EbayAccount) -> Any:
        kind = self.dice.choice(["arrive", "flags", "answer", "delete"])
        return kind, self._post("messages/change", account, count=self._count(), kind=kind)

    def move_letter(self, account: EbayAccount) -> Any:
        """To another folder; what was sent stays where it is."""
        letters = self.world.everything("messages", account)
        received = [each for each in letters if each["Folder"]["FolderID"] != _SENT]
        if not received:
            return "none"
        letter, folder = self.dice.choice(received), self.dice.choice(_FOLDERS)
        self._patch(f"messages/{letter['MessageID']}", account, folder=folder)
        return letter["MessageID"], folder

    def break_letter(self, account: EbayAccount) -> Any:
        """A flag that is none, in a letter that has just come."""
        made = self._post("messages", account, overrides={"HighPriority": "perhaps"})["messageIds"]

        def write() -> None:
            alive = {each["MessageID"] for each in self.world.everything("messages", account)}
            for each in alive & set(made):
                self._patch(f"messages/{each}", account, overrides={"HighPriority": False})

        self._maybe_heal(write)
        return made

    def listings(self, account: EbayAccount) -> Any:
        kind = self.dice.choice(["sale", "price", "title", "restock", "end", "end", "create"])
        return kind, self._post("listings/change", account, count=self._count(), kind=kind)

    def send_away(self, account: EbayAccount) -> Any:
        """eBay shows them no longer: listings come back as they were, an item comes back changed."""
        listings = [each["ItemID"] for each in self.world.everything("listings", account)]
        items = self.world.ebay.get("stock", seller=account.username)["items"]
        gone = [
            self._send_listing_away(account, each)
            for each in self.dice.sample(listings, min(3, len(listings)))
        ]
        if items:
            gone.append(self._send_item_away(account, self.dice.choice(items)))
        return gone

    def _send_listing_away(self, account: EbayAccount, item_id: str) -> str:
        try:
            self._post(f"listings/{item_id}/away", account)
        except AssertionError as refused:
            if "no own listing" not in str(refused):
                raise
            return "an offer's"
        self.away.append(lambda: self._post(f"listings/{item_id}/away", account, away=False))
        return item_id

    def _send_item_away(self, account: EbayAccount, item: dict[str, Any]) -> str:
        sku, title = item["sku"], item["title"]
        self.world.ebay.delete("stock", seller=account.username, sku=sku)

        def come_back() -> None:
            self._post("stock", account, sku=sku, title=title, quantity=1 + self.dice.randrange(90))

        self.away.append(come_back)
        return sku

    def come_back(self) -> None:
        while self.away:
            self.away.pop()()

    def purchases(self, account: EbayAccount) -> Any:
        kind = self.dice.choice(["buy", "pay", "ship", "delete"])
        return kind, self._post("purchases/change", account, count=self._count(), kind=kind)

    def troubles(self, account: EbayAccount) -> Any:
        kind = self.dice.choice(["create", "change"])
        found = self._post("troubles/change", account, count=self._count(), kind=kind)["changed"]
        return kind, [(each["id"], each["family"], each["status"]) for each in found]

    def new_trouble(self, account: EbayAccount) -> Any:
        family = self.dice.choice(["inquiry", "return", "dispute"])
        ids = list(self.world.ebay.order_ids(account.username))
        if not ids:
            return "no order"
        order_id = self.dice.choice(ids[-12:])
        made = self._try(
            "troubles", account, family=family, order_id=order_id, lives=self.dice.random() < 0.5
        )
        return made and (made["id"], family)

    def _try(self, path: str, account: EbayAccount, **body: Any) -> Any:
        """None where an order has all that it can have."""
        try:
            return self._post(path, account, **body)
        except AssertionError as refused:
            if "an order has at most" not in str(refused):
                raise
            return None

    def silent_trouble(self, account: EbayAccount) -> Any:
        """A summary that changes without a date, while the record is open and still in the search."""
        kind = self.dice.choice(["inquiries", "cases", "returns"])
        rows = [
            each for each in self.world.everything(kind, account) if each["open"] and not each["escalated"]
        ]
        if not rows:
            return f"{kind}: none is open"
        row, buyer = self.dice.choice(rows), f"buyer_{self.dice.randint(1, 99)}"
        name = "buyerLoginName" if kind == "returns" else "buyer"
        self._patch(f"troubles/{row['id']}", account, summary={name: buyer})
        return f"{kind} {row['id']} {buyer}"

    def silent_detail(self, account: EbayAccount) -> Any:
        """Details that change while the list shows the same: they are asked about again while it is open."""
        kind = self.dice.choice(sorted(_SILENT_DETAILS))
        rows = [
            each for each in self.world.everything(kind, account) if each["open"] and not each["escalated"]
        ]
        if not rows:
            return f"{kind}: none is open"
        row, words = self.dice.choice(rows), f"said {self.dice.randint(1, 99)}"
        self._patch(f"troubles/{row['id']}", account, detail=_SILENT_DETAILS[kind](words))
        return f"{kind} {row['id']} {words}"
