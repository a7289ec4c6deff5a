"""Which exchanges of the HTTP log name a user: indexed, so that he can be taken out of them."""

from __future__ import annotations

import re

from tokens import people

KIND = "connect_log"
# getUser of Identity and GetUser of Trading (03 §2, 3.4).
_NAMES = re.compile(
    r'"(?:username|userId)"\s*:\s*"([^"\\]{1,200})"|<(?:\w+:)?(?:UserID|EIASToken)>([^<]{1,200})<'
)


def remember_exchange(row_id: int, *, environment: str, body: str, account_id: int | None) -> None:
    """Note whom the kept body of an answer names."""
    names = {json_name or xml_name for json_name, xml_name in _NAMES.findall(body)}
    people.remember(KIND, environment, [(row_id, name) for name in names], account_id=account_id)
