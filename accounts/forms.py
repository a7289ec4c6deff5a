"""Forms of the console about people and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from .access import Principal
from .models import ApiKey, Membership, Organization, User


class MembershipForm(forms.ModelForm[Membership]):
    """Adds an existing login by its exact name: the list of all logins is nobody's business."""

    username = forms.CharField(
        max_length=150,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The exact name of an existing login. A superuser makes new ones.",
    )

    class Meta:
        model = Membership
        fields = ("organization", "role")

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise forms.ValidationError("No active login has this name.")
        self.instance.user = user
        return name

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        organization = data.get("organization")
        if organization and "username" in data and self._is_member(organization, data["username"]):
            self.add_error("username", "This person is a member already; change the role instead.")
        return data

    def _is_member(self, organization: Organization, username: str) -> bool:
        return Membership.objects.filter(organization=organization, user__username=username).exists()


class ApiKeyForm(forms.ModelForm[ApiKey]):
    days = forms.IntegerField(
        min_value=1,
        max_value=1825,
        initial=365,
        label="Valid for (days)",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "number"}),
    )

    class Meta:
        model = ApiKey
        fields = ("organization", "name", "role")

    def expires_at(self) -> Any:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])


def organization_field(principal: Principal, role: str) -> forms.ModelChoiceField[Organization]:
    """The organisations in which the person has `role`, the only one preselected."""
    choices = Organization.objects.visible_to(principal, role=role)
    only = choices.first() if choices.count() == 1 else None
    return forms.ModelChoiceField(
        label="Organisation",
        queryset=choices,
        initial=only,
        empty_label="Choose an organisation",
        widget=UnfoldAdminSelectWidget(),
    )
