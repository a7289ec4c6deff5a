"""Why something that a person asked of the sniper is not done: the words that doors pass on."""

from __future__ import annotations


class SnipeRefused(Exception):
    """`code` for machines, the text for people, `field` the input it is about ('' for none of them).

    Codes of a plan: `bad_item item_not_found item_is_group item_not_available not_an_auction auction_ended
    too_late bad_amount bad_seconds currency_unknown limit own_seller already_planned account_inactive
    group_mismatch ebay_unavailable`; of a change: `not_changeable` besides. `needs_confirmation`: the same
    again with `confirm=True` does it.
    """

    def __init__(self, code: str, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field = field
