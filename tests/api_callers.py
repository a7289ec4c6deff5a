"""Callers of the API in tests: people with a JWT, machines with a key, browsers with a session."""

from __future__ import annotations

from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.access import SYSTEM
from accounts.models import Organization, Role, User
from accounts.services import create_api_key
from tests.factories import member


def as_person(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


def as_member(role: str, organization: Organization) -> APIClient:
    """A new person with this role."""
    return as_person(member(role, organization))


def as_machine(role: str, organization: Organization) -> APIClient:
    """A new API key with this role."""
    _, secret = create_api_key(organization=organization, name="ERP", role=Role(role), by=SYSTEM)
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=secret)
    return client


def as_browser(user: User) -> APIClient:
    """A console session; CSRF is checked as in real life."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    return client
