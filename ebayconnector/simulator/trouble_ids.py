"""Ids of inquiries, cases, returns and payment disputes: whole numbers, unique in a world."""

from ebayconnector.simulator.trouble_lives import Family

MOST_PER_ORDER = 8  # of one family, on one order

_FIRST = 5_000_000_000
_ORDERS_PER_SELLER = 10_000_000
_CODES = 8
_RETURN_CASE = 4
_CODE_OF: dict[Family, int] = {"inquiry": 0, "return": 1, "dispute": 2, "case": 3}


def trouble_id(family: Family, *, seller_number: int, n: int, part: int, of_return: bool = False) -> int:
    """The id of the `part`th trouble on order n; a case has the part of what was escalated to it."""
    code = _RETURN_CASE if of_return else _CODE_OF[family]
    place = (seller_number * _ORDERS_PER_SELLER + n) * MOST_PER_ORDER + part
    return _FIRST + place * _CODES + code
