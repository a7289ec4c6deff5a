"""A client that speaks as an account: the one path for its token, also when eBay refuses it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ebayconnector.ebay.errors import TokenRejected
from ebayconnector.ebay.fulfillment import order_pages
from tokens.services.clients import client_for
from tokens.services.refresh import TokenUnavailable

from .linked import expired_account, linked_account, stored_access_token, token_posts

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = "/sell/fulfillment/v1/order"


def read_orders(account):
    now = timezone.now()
    client = client_for(account, source="test")
    window = {"modified_from": now - timedelta(days=30), "modified_to": now - timedelta(seconds=5)}
    return next(order_pages(client, **window))


def statuses(simulator):
    return [request["status"] for request in simulator.requests(ORDERS)]


def test_a_401_means_one_refresh_and_one_repeat(simulator):
    account = linked_account(simulator)
    old = stored_access_token(account)
    simulator.post("tokens/expire", seller=account.username)
    assert read_orders(account).items
    assert statuses(simulator) == [401, 200]
    assert len(token_posts(simulator)) == 1
    sent = [request["headers"]["authorization"] for request in simulator.requests(ORDERS)]
    assert sent == [f"Bearer {old}", f"Bearer {stored_access_token(account)}"]


def test_a_second_401_is_the_answer(simulator):
    account = linked_account(simulator)
    simulator.fault(ORDERS, "expired_token", count=None)
    with pytest.raises(TokenRejected):
        read_orders(account)
    assert statuses(simulator) == [401, 401]
    assert len(token_posts(simulator)) == 1


def test_a_refused_token_that_cannot_be_renewed_says_why(simulator):
    account = linked_account(simulator)
    simulator.post("tokens/revoke", seller=account.username)
    with pytest.raises(TokenUnavailable, match="invalid_grant"):
        read_orders(account)
    assert statuses(simulator) == [401]


def test_an_expired_token_is_refreshed_before_the_call(simulator):
    account = expired_account(simulator)
    assert read_orders(account).items
    assert statuses(simulator) == [200]


def test_environment_and_marketplace_are_the_accounts(simulator):
    account = linked_account(simulator, seller=2, marketplace_id="EBAY_DE", site_id=77)
    client = client_for(account, source="worker", run_id=5)
    assert (client.environment.name, client.marketplace_id) == ("simulator", "EBAY_DE")
    assert (client.caller.account_id, client.caller.source, client.caller.run_id) == (account.pk, "worker", 5)
    read_orders(account)
    assert simulator.requests(ORDERS)[0]["headers"]["x-ebay-c-marketplace-id"] == "EBAY_DE"
