"""How an API client proves who it is: JWT bearer, API key, or the admin session."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication as _JWTAuthentication

from accounts.models import ApiKey
from accounts.services import API_KEY_PREFIX, find_api_key


class JWTAuthentication(_JWTAuthentication):
    """`Authorization: Bearer <JWT>`; leaves API keys, which come the same way, to the next class."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        raw: bytes | None = super().get_raw_token(header)
        return None if raw is None or raw.startswith(API_KEY_PREFIX.encode()) else raw


class Machine:
    """`request.user` of a request with an API key: authenticated, but no person."""

    is_authenticated = True
    is_active = True
    is_superuser = False
    is_staff = False
    pk = None
    id = None

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    def __str__(self) -> str:
        return f"API key {self.key}"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer ebc_…`, `Authorization: Api-Key ebc_…` or `X-Api-Key: ebc_…`."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        secret = request.headers.get("X-Api-Key") or _key_in_authorization(request)
        if not secret:
            return None
        key = find_api_key(secret)
        if key is None:
            raise AuthenticationFailed("the API key is unknown, expired or revoked")
        return Machine(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _key_in_authorization(request: Request) -> str:
    scheme, _, value = get_authorization_header(request).decode("latin-1").partition(" ")
    value = value.strip()
    return value if scheme.lower() in ("api-key", "bearer") and value.startswith(API_KEY_PREFIX) else ""


class AdminSessionAuthentication(SessionAuthentication):
    """The console's own session, with CSRF protection."""


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = JWTAuthentication
    name = "jwt"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = AdminSessionAuthentication
    name = "consoleSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
