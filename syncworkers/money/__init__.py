"""Does the money of an order, and of a payout, add up? `order_money` and `payout_money` answer."""

from .orders import order_money
from .payouts import payout_money
from .statement import Finding, Line, PaidOut, Statement, Verdict, money_text

__all__ = [
    "Finding",
    "Line",
    "PaidOut",
    "Statement",
    "Verdict",
    "money_text",
    "order_money",
    "payout_money",
]
