"""Eight processes want a token at the same moment: eBay is asked once."""

from __future__ import annotations

import pytest

from tests.races.together import PROCESSES, ask_together
from tokens.models import TokenRefreshLog
from tokens.services.refresh import get_access_token
from tokens.tests.linked import expired_account, linked_account, stored_access_token, token_posts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_eight_processes_cause_one_refresh(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together(get_access_token, account.pk)
    assert tokens == [stored_access_token(account)] * PROCESSES
    assert len(token_posts(simulator)) == 1
    assert TokenRefreshLog.objects.get().success


def test_eight_processes_with_one_rejected_token_cause_one_refresh(simulator):
    account = linked_account(simulator)
    rejected = stored_access_token(account)
    tokens = ask_together(get_access_token, account.pk, rejected=rejected)
    assert tokens == [stored_access_token(account)] * PROCESSES
    assert rejected not in tokens
    assert len(token_posts(simulator)) == 1
