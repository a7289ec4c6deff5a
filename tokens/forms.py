"""Forms of the console about accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.access import Principal
from accounts.forms import organization_field
from accounts.models import EbayAccount, Organization, Purpose, Role


class ConnectForm(forms.Form):
    """What is asked before a person goes to eBay; the rest is as eBay says it."""

    organization: forms.ModelChoiceField[Organization]
    house_name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Warehouse-A"}),
        help_text="Your own name for the account. It labels every row of data.",
    )
    purpose = forms.ChoiceField(
        choices=Purpose.choices,
        initial=Purpose.SELLER,
        widget=UnfoldAdminSelectWidget(),
        help_text="Decides which permissions are asked for and which workers start.",
    )
    environment = forms.ChoiceField(
        choices=[(name, name.capitalize()) for name in settings.EBAY_ENVIRONMENTS],
        widget=UnfoldAdminSelectWidget(),
        help_text="Belongs to the account for ever: production and sandbox are separate worlds at eBay.",
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"] = organization_field(principal, Role.ADMIN)
        self.fields["environment"].initial = settings.EBAY_ENVIRONMENT
        self.order_fields(["organization", "house_name", "purpose", "environment"])


class AccountForm(forms.ModelForm[EbayAccount]):
    class Meta:
        model = EbayAccount
        fields = ("house_name", "purpose", "is_active")
        help_texts = {
            "house_name": "Renaming changes the account. Rows stored until now keep the name of their time.",
            "purpose": "Decides which permissions the next reconnect asks for and which new workers start.",
            "is_active": "A deactivated account is not synced; its house name may be used again.",
        }

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("is_active") and data.get("house_name") and self._is_taken(data["house_name"]):
            self.add_error("house_name", "Another active account has this house name; choose another one.")
        return data

    def _is_taken(self, name: str) -> bool:
        others = EbayAccount.objects.filter(organization_id=self.instance.organization_id, is_active=True)
        return others.filter(house_name__iexact=name.strip()).exclude(pk=self.instance.pk).exists()
