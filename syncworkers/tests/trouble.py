"""Cases, inquiries and returns that a test makes at eBay, and the time that passes for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import EbayAccount
from syncworkers.models import Case, Return
from tests.simulator import Simulator

from .running import ago, let_time_pass, run_whole

DAY_S = 86_400.0
NOT_KNOWN = {"errorMessage": {"error": [{"errorId": 1301, "domain": "returnErrorDomain", "message": "None"}]}}


def an_hour_later(model: Any) -> None:
    """For what is asked again after a pause."""
    waiting = model.objects.exclude(detail_retry_at=None)
    assert waiting.update(detail_retry_at=timezone.now() - timedelta(seconds=1))


def trouble(ebay: Simulator, account: EbayAccount, family: str) -> str:
    made = ebay.post("troubles", seller=account.username, family=family)
    let_time_pass(ebay)
    return str(made["id"])


def old_case(ebay: Simulator, account: EbayAccount) -> str:
    """Open, stored, older than what every run reads anew, and by its age not to be looked at for long."""
    inquiry = trouble(ebay, account, "inquiry")
    key = ebay.patch(f"troubles/{inquiry}", seller=account.username, step="escalate")["caseId"]
    let_time_pass(ebay, 40 * DAY_S)
    run_whole(account, "cases")
    assert Case.objects.get(case_id=key).maturity == "open"
    Case.objects.exclude(case_id=key).delete()
    Case.objects.update(check_at=ago(days=-60))
    return key


def unlist(ebay: Simulator, account: EbayAccount, key: str, **changes: Any) -> None:
    """It is in no search any more; eBay tells of it by its id."""
    ebay.patch(f"troubles/{key}", seller=account.username, listed=False, **changes)


def an_hour_at_ebay(ebay: Simulator, account: EbayAccount, family: str) -> None:
    let_time_pass(ebay, 3700)
    run_whole(account, family)


def fail_on_three_returns(ebay: Simulator, account: EbayAccount) -> list[str]:
    """The ids of three neighbours among the returns, all of whose details are due: eBay fails on theirs."""
    ebay.post("troubles", seller=account.username, family="return")
    run_whole(account, "returns")
    newest = [row.return_id for row in Return.objects.order_by("-id")[:3]]
    assert Return.objects.exclude(return_id__in=newest).exists()
    Return.objects.update(detail_at=None)
    for return_id in newest:
        ebay.fault(rf"/return/{return_id}", "server_error", count=None)
    return newest
