"""Filters of the lists of accounts and of exchanges with eBay's identity service."""

from __future__ import annotations

from django_filters import CharFilter

from accounts.api.lists import Filters, IdFilter, SwitchFilter, WordsFilter
from accounts.models import EbayAccount
from tokens.models import ConnectLog, TokenRefreshLog


class AccountFilters(Filters):
    organization = IdFilter(field_name="organization_id")
    house_name = CharFilter(lookup_expr="iexact")
    username = CharFilter(lookup_expr="iexact")
    ebay_user_id = CharFilter()
    environment = WordsFilter(lookup_expr="in")
    purpose = WordsFilter(lookup_expr="in")
    is_active = SwitchFilter()

    class Meta:
        model = EbayAccount
        fields: list[str] = []


class TokenStatusFilters(Filters):
    account_id = IdFilter(field_name="id")
    env = WordsFilter(field_name="environment", lookup_expr="in")
    is_active = SwitchFilter()

    class Meta:
        model = EbayAccount
        fields: list[str] = []


class TerminalFilters(Filters):
    env = WordsFilter(field_name="environment", lookup_expr="in")
    source = WordsFilter(lookup_expr="in")
    action = WordsFilter(lookup_expr="in")
    account_id = IdFilter(field_name="account_id")

    class Meta:
        model = ConnectLog
        fields: list[str] = []


class RefreshLogFilters(Filters):
    success = SwitchFilter()
    triggered_by = WordsFilter(lookup_expr="in")

    class Meta:
        model = TokenRefreshLog
        fields: list[str] = []
