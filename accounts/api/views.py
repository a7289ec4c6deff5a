"""Logging in for API clients, and the answer for addresses that do not exist."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from accounts.models import User

from .throttling import LoginByAddress, LoginByName


class Login(TokenObtainPairView):
    """`{username, password}` → `{access, refresh}`: access for 30 minutes, refresh for 7 days."""

    throttle_classes = [LoginByAddress, LoginByName]


class Refresh(TokenRefreshView):
    """`{refresh}` → `{access}`."""

    def post(self, request: Request, *args: object, **kwargs: object) -> Response:
        try:
            response: Response = super().post(request, *args, **kwargs)
        except User.DoesNotExist:
            # The library looks the person up without expecting that the login was deleted meanwhile.
            raise InvalidToken("no active login belongs to this token") from None
        return response


@extend_schema(exclude=True)
class UnknownAddress(APIView):
    """Everything below the API's prefixes that is no route: 404 in the API's own form, to anybody."""

    permission_classes = [AllowAny]
    authentication_classes = []

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise Http404
