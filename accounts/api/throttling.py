"""How often somebody may try a password: per address and per name, 20 times a minute by default."""

from __future__ import annotations

import hashlib

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class LoginByAddress(SimpleRateThrottle):
    """By the address that really connects: X-Forwarded-For can be written by anybody."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"login-address-{request.META.get('REMOTE_ADDR', '')}"


class LoginByName(SimpleRateThrottle):
    """By the name that is tried, from wherever."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        name = request.data.get("username") if isinstance(request.data, dict) else None
        if not isinstance(name, str):
            return None
        return f"login-name-{hashlib.sha256(name.casefold().encode(errors='replace')).hexdigest()}"
