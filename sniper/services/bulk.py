"""Many snipes from a CSV text: each row is planned by itself and says what came of it."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from io import StringIO

from accounts.access import NotAllowed, Principal
from accounts.models import EbayAccount, Role
from sniper.models import Snipe, SnipeGroup
from sniper.refusals import SnipeRefused

from .plan import plan_snipe

COLUMNS = ("account", "item", "max_bid_amount", "seconds_before_end", "comment", "group")
MOST_ROWS = 200
# A request of the console or the API must not take longer.
_WITHIN_S = 25.0


@dataclass(frozen=True)
class BulkRow:
    """`line` of the text (the heading is 1). `code` and `text` say why there is no `snipe`, by `field`."""

    line: int
    item: str
    snipe: Snipe | None = None
    warnings: tuple[str, ...] = ()
    code: str = ""
    text: str = ""
    field: str = ""


def plan_bulk(text: str, *, by: Principal, account: EbayAccount | None = None) -> list[BulkRow]:
    """Plan one snipe per row; a refused row does not keep the others back. Role operator.

    The first line names the columns: `item` (id or link) and `max_bid_amount` always, `account` (house name
    or id) unless `account` is given, `seconds_before_end`, `comment` and `group` (its name) if wanted.
    Comma, semicolon or tab. The text may be given again: what is planned already says `already_planned`.
    Raises SnipeRefused (`bad_csv`) when the text as a whole is of no use.
    """
    deadline = time.monotonic() + _WITHIN_S
    results = []
    for line, row in _rows(text, needs_account=account is None):
        if time.monotonic() > deadline:
            words = "eBay was too slow for all rows at once: give the text again for the rest"
            results.append(BulkRow(line, row["item"], code="not_tried", text=words))
            continue
        results.append(_planned(line, row, by, account))
    return results


def _rows(text: str, *, needs_account: bool) -> list[tuple[int, dict[str, str]]]:
    heading = text.lstrip("\ufeff \r\n").partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.DictReader(StringIO(text.lstrip("\ufeff \r\n")), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = names
        _check_columns(names, needs_account)
        rows = list(_read(reader))
    except csv.Error as failure:
        raise SnipeRefused("bad_csv", f"this is no CSV: {failure}", field="csv") from failure
    if not rows:
        raise SnipeRefused("bad_csv", "there is no row below the heading", field="csv")
    if len(rows) > MOST_ROWS:
        raise SnipeRefused("bad_csv", f"at most {MOST_ROWS} rows at once", field="csv")
    return rows


def _check_columns(names: list[str], needs_account: bool) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    needed = ["item", "max_bid_amount", *(["account"] if needs_account else [])]
    missing = [name for name in needed if name not in names]
    if missing or unknown or len(set(names)) < len(names):
        wrong = f"missing: {', '.join(missing)}" if missing else f"unknown or twice: {', '.join(names)}"
        words = f"the first line names the columns, of {', '.join(COLUMNS)}; {wrong}"
        raise SnipeRefused("bad_csv", words, field="csv")


def _read(reader: csv.DictReader[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for row in reader:
        if None in row:
            raise csv.Error(f"line {reader.line_num} has more values than the heading")
        values = {name: (value or "").strip() for name, value in row.items()}
        if any(values.values()):
            yield reader.line_num, values


def _planned(line: int, row: dict[str, str], by: Principal, account: EbayAccount | None) -> BulkRow:
    try:
        chosen = _account(row.get("account", ""), by, account)
        planned = plan_snipe(
            chosen, item=row["item"], max_bid_amount=_amount(row["max_bid_amount"]), by=by,
            seconds_before_end=_seconds(row.get("seconds_before_end", "")), comment=row.get("comment", ""),
            group=_group(row.get("group", ""), chosen),
        )  # fmt: skip
    except SnipeRefused as refused:
        return BulkRow(line, row["item"], code=refused.code, text=refused.text, field=refused.field)
    except NotAllowed as refused:
        return BulkRow(line, row["item"], code="not_allowed", text=str(refused), field="account")
    return BulkRow(line, row["item"], planned.snipe, planned.warnings)


def _account(named: str, by: Principal, account: EbayAccount | None) -> EbayAccount:
    if not named and account is not None:
        return account
    visible = EbayAccount.objects.visible_to(by, role=Role.VIEWER).filter(is_active=True)
    found = list(visible.filter(house_name__iexact=named)[:2])
    if not found and named.isdecimal() and len(named) <= 18:
        found = list(visible.filter(pk=int(named)))
    if len(found) != 1:
        words = (
            "several of your accounts have this name: give the id" if found else "you have no such account"
        )
        raise SnipeRefused("bad_account", words, field="account")
    return found[0]


def _amount(written: str) -> Decimal:
    try:
        return Decimal(written)
    except InvalidOperation:
        words = "the maximum is a number like 25.00"
        raise SnipeRefused("bad_amount", words, field="max_bid_amount") from None


def _seconds(written: str) -> int | None:
    if not written:
        return None
    if not written.isdecimal() or len(written) > 6:
        raise SnipeRefused("bad_seconds", "seconds are a whole number", field="seconds_before_end")
    return int(written)


def _group(named: str, account: EbayAccount) -> SnipeGroup | None:
    if not named:
        return None
    group = SnipeGroup.objects.filter(organization_id=account.organization_id, name__iexact=named).first()
    if group is None:
        raise SnipeRefused("group_mismatch", "there is no group of this name", field="group")
    return group
