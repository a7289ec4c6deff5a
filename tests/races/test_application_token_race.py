"""Eight processes want a token of the application at the same moment: eBay is asked once."""

from __future__ import annotations

import pytest

from tests.races.together import ask_together
from tokens.models import ApplicationToken
from tokens.services.application_tokens import get_application_token
from tokens.tests.linked import token_posts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_eight_processes_cause_one_mint_and_a_new_one_none(simulator):
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together(get_application_token, "simulator")
    assert len(set(tokens)) == 1
    assert (
        ask_together(get_application_token, "simulator", processes=1)
        == [get_application_token("simulator")]
        == tokens[:1]
    )
    assert len(token_posts(simulator)) == 1
    assert ApplicationToken.objects.get().version == 2


def test_eight_processes_with_one_rejected_token_cause_one_mint(simulator):
    rejected = get_application_token("simulator")
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together(get_application_token, "simulator", rejected=rejected)
    assert set(tokens) == {get_application_token("simulator")}
    assert rejected not in tokens
    assert len(token_posts(simulator)) == 2
