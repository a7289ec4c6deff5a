"""A user of eBay who is one of our accounts is to be forgotten: his names go from what was written about it.

What hangs on the account goes with it, by the job that deletes it. These are the texts that stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import AuditEvent, EbayAccount, Notice
from tokens.models import AccountDeletion, ConnectTicket

_ERASED = "[erased]"
# Where people and machines write of an organisation's accounts.
_TEXTS: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (AccountDeletion, ("house_name",)),
    (AuditEvent, ("target_label", "result", "detail")),
    (ConnectTicket, ("house_name", "outcome")),
    (Notice, ("title", "text")),
)


def unname(account: EbayAccount) -> None:
    """Take the user's names out of the account's row and of all texts of its organisation.

    The house name is ours, unless it names the user too. In a transaction.
    """
    names = [name for name in (account.username, account.ebay_user_id, account.eias_token) if name]
    house_name = account.house_name
    replaced = dict.fromkeys(names, _ERASED)
    if any(name.lower() in house_name.lower() for name in names):
        house_name = f"deleted account {account.pk}"
        # First: what is left of it without the name would be nobody's.
        replaced = {account.house_name: house_name, **replaced}
    EbayAccount.objects.filter(pk=account.pk).update(
        ebay_user_id=f"deleted-{account.pk}", username="", eias_token="", house_name=house_name
    )
    for model, fields in _TEXTS:
        _rewrite(model._default_manager.filter(organization_id=account.organization_id), fields, replaced)
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(EbayAccount), object_id=str(account.pk)
    )
    _rewrite(entries, ("object_repr", "change_message"), replaced)


def _rewrite(rows: QuerySet[Any], fields: tuple[str, ...], replaced: Mapping[str, str]) -> None:
    texts = {f"{field}_text": Cast(field, TextField()) for field in fields}
    named = Q()
    for text in texts:
        for name in replaced:
            named |= Q(**{f"{text}__icontains": name})
    for row in rows.annotate(**texts).filter(named):
        new = {field: _without(getattr(row, field), replaced) for field in fields}
        rows.model._default_manager.filter(pk=row.pk).update(**new)


def _without(value: Any, replaced: Mapping[str, str]) -> Any:
    """The same text, or JSON document, with these words replaced, in whatever case they stand."""
    if isinstance(value, dict):
        return {key: _without(one, replaced) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, replaced) for one in value]
    if not isinstance(value, str):
        return value
    for old, new in replaced.items():
        value = re.sub(re.escape(old), new, value, flags=re.IGNORECASE)
    return value
