"""Forms of the console about snipes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.access import Principal
from accounts.forms import organization_field
from accounts.models import EbayAccount, Organization, Role

from .models import GroupPolicy, Snipe, SnipeGroup
from .services.bulk import COLUMNS, MOST_ROWS

_LARGEST_FILE = 200_000


def _text(placeholder: str = "") -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"placeholder": placeholder, "autocomplete": "off"})


def _amount(**kwargs: Any) -> forms.DecimalField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.DecimalField(max_digits=14, decimal_places=2, widget=widget, **kwargs)


def _number(**kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}), **kwargs)


def _accounts(principal: Principal, **kwargs: Any) -> forms.ModelChoiceField[EbayAccount]:
    """Those with which the person may bid, the only one preselected."""
    choices = EbayAccount.objects.visible_to(principal, role=Role.OPERATOR).filter(is_active=True)
    choices = choices.select_related("token", "organization").order_by("house_name")
    only = choices.first() if choices.count() == 1 else None
    return forms.ModelChoiceField(
        queryset=choices, initial=only, widget=UnfoldAdminSelectWidget(), **kwargs
    )  # fmt: skip


def _groups(principal: Principal) -> forms.ModelChoiceField[SnipeGroup]:
    return forms.ModelChoiceField(
        queryset=SnipeGroup.objects.visible_to(principal, role=Role.OPERATOR).order_by("name"),
        required=False,
        empty_label="In no group",
        widget=UnfoldAdminSelectWidget(),
        help_text="Of several auctions of a group only so many are won, for so much money.",
    )


class SnipeForm(forms.Form):
    account: forms.ModelChoiceField[EbayAccount]
    item_id = forms.CharField(
        label="Item", max_length=1000, widget=_text("https://www.ebay.com/itm/…"),
        help_text="An item number or a link to the item.",
    )  # fmt: skip
    max_bid_amount = _amount(
        label="Maximum", required=False, help_text="In the listing's own currency; eBay bids up to it."
    )
    seconds_before_end = _number(
        label="Seconds before the end", required=False,
        help_text=f"{settings.SNIPER_DEFAULT_LEAD_SECONDS} when it is left empty.",
    )  # fmt: skip
    comment = forms.CharField(max_length=500, required=False, widget=_text())
    group: forms.ModelChoiceField[SnipeGroup]
    confirm = forms.BooleanField(
        label="Bid although another account of ours bids on it", required=False, widget=UnfoldBooleanWidget()
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"] = _accounts(principal, empty_label="Choose an account")
        self.fields["group"] = _groups(principal)
        self.order_fields(["account", "item_id", "max_bid_amount", "seconds_before_end", "comment", "group"])


class EditForm(forms.Form):
    max_bid_amount = _amount(label="Maximum")
    seconds_before_end = _number(label="Seconds before the end")
    comment = forms.CharField(max_length=500, required=False, widget=_text())
    group: forms.ModelChoiceField[SnipeGroup]

    def __init__(self, data: Any = None, *, principal: Principal, snipe: Snipe) -> None:
        now = {name: getattr(snipe, name) for name in ("max_bid_amount", "seconds_before_end", "comment")}
        super().__init__(data, initial={**now, "group": snipe.group_id})
        self.fields["group"] = _groups(principal)


class GroupRulesForm(forms.Form):
    name = forms.CharField(max_length=100, widget=_text())
    win_at_most = _number(label="Win at most", initial=1, help_text="So many of its auctions.")
    budget = _amount(required=False, help_text="For all together, at their maxima. Empty: no budget.")
    policy = forms.ChoiceField(
        choices=GroupPolicy.choices, initial=GroupPolicy.HOLD, widget=UnfoldAdminSelectWidget(),
        label="While an earlier auction is undecided",
    )  # fmt: skip


class GroupForm(GroupRulesForm):
    organization: forms.ModelChoiceField[Organization]
    currency = forms.CharField(
        max_length=3, required=False, widget=_text("USD"), help_text="Of the budget and of every item in it."
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"] = organization_field(principal, Role.OPERATOR)
        self.order_fields(["organization", "name", "win_at_most", "budget", "currency", "policy"])

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class BulkForm(forms.Form):
    account: forms.ModelChoiceField[EbayAccount]
    file = forms.FileField(
        required=False, label="CSV file", widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"})
    )
    csv = forms.CharField(
        required=False, label="… or its text", max_length=_LARGEST_FILE,
        widget=UnfoldAdminTextareaWidget(attrs={"placeholder": "item,max_bid_amount\n110012345678,25.00"}),
        help_text=f"The first line names the columns, of {', '.join(COLUMNS)}; {MOST_ROWS} rows at most.",
    )  # fmt: skip

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"] = _accounts(principal, required=False, empty_label="As each row says")
        self.order_fields(["account", "file", "csv"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("file"):
            data["csv"] = self._text_of(data["file"])
        if not data.get("csv") and not self.errors:
            raise forms.ValidationError("Choose a file or paste its text.")
        return data

    def _text_of(self, file: Any) -> str:
        if file.size > _LARGEST_FILE:
            raise forms.ValidationError("The file is too large.")
        try:
            return str(file.read().decode("utf-8"))
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not UTF-8 text.") from None


class LimitForm(forms.Form):
    organization: forms.ModelChoiceField[Organization]
    account: forms.ModelChoiceField[EbayAccount]
    currency = forms.CharField(max_length=3, widget=_text("USD"))
    max_bid = _amount(required=False, label="Highest maximum", min_value=Decimal("0.01"))
    max_open_total = _amount(
        required=False, label="All live maxima together", min_value=Decimal("0.01"),
        help_text="Both left empty: no limit in this currency.",
    )  # fmt: skip

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"] = organization_field(principal, Role.ADMIN)
        self.fields["account"] = _accounts(
            principal, required=False, empty_label="The organisation as a whole"
        )
        self.order_fields(["organization", "account", "currency", "max_bid", "max_open_total"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        account, organization = data.get("account"), data.get("organization")
        if account and organization and account.organization_id != organization.pk:
            raise forms.ValidationError("This account belongs to another organisation.")
        data["currency"] = str(data.get("currency", "")).upper()
        return data
