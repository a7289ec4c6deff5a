"""`/webhooks/ebay/events`: eBay's challenge and its notifications. Public; what counts is the signature."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ebayconnector.ebay.notice_signatures import challenge_response

from .services.inbox import receive
from .services.notification_setup import problem_with_settings

logger = logging.getLogger(__name__)

# eBay's are below 2 kB.
MOST_BYTES = 64 * 1024
_LONGEST_CHALLENGE = 500


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def events(request: HttpRequest) -> HttpResponse:
    """GET answers the challenge; POST takes a notification: 204, 412 (not eBay's), 500 (send it again)."""
    return _challenge(request) if request.method == "GET" else _notification(request)


def _challenge(request: HttpRequest) -> HttpResponse:
    """From the settings alone: the request may have come through proxies that changed its address."""
    code = request.GET.get("challenge_code", "")
    if not 0 < len(code) <= _LONGEST_CHALLENGE:
        return JsonResponse({"error": "challenge_code is missing"}, status=400)
    problem = problem_with_settings()
    if problem:
        logger.error("eBay's challenge cannot be answered: %s", problem)
        return JsonResponse({"error": "not set up"}, status=503)
    answer = challenge_response(
        code,
        verification_token=settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN,
        endpoint=settings.EBAY_NOTIFICATION_ENDPOINT,
    )
    return JsonResponse({"challengeResponse": answer})


def _notification(request: HttpRequest) -> HttpResponse:
    try:
        body = request.read(MOST_BYTES + 1)
    except UnreadablePostError:
        return HttpResponse(status=400)
    if len(body) > MOST_BYTES:
        return HttpResponse(status=413)
    return HttpResponse(status=receive(body, request.headers.get("X-EBAY-SIGNATURE", "")).value)
