"""The client's road to a bid at the simulator: item, bid on a socket of our own, proof."""

from __future__ import annotations

import socket
from decimal import Decimal

import pytest
import requests

from ebayconnector.ebay.bid_reasons import BidReason
from ebayconnector.ebay.bidding import get_bidding, place_proxy_bid
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.environments import environment_named
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.item_links import legacy_item_id
from ebayconnector.ebay.items import ItemTrouble, get_item, item_trouble
from ebayconnector.ebay.money import Money
from ebayconnector.ebay.prepared import PreparedCall, prepare_bid, prepare_bidding_read, prepare_probe
from ebayconnector.ebay.raw_answers import AnswerReader, RawAnswer, bid_answer, bidding_answer
from ebayconnector.ebay.transport import Caller, Transport
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.server import SimulatorServer

from .conftest import Tokens

SCOPE = "https://api.ebay.com/oauth/api_scope"


class Ebay:
    """One simulator, and a buyer's token."""

    def __init__(self, url: str) -> None:
        self.url = url
        scopes = [SCOPE, f"{SCOPE}/buy.offer.auction"]
        minted = self.control("tokens", seller="northwind_parts", scopes=scopes)
        self.token = minted["access_token"]
        self.environment = environment_named("simulator", simulator_url=url)
        self.transport = Transport()
        self.clock = ClockOffset()

    def control(self, path: str, **body: object) -> dict:
        answer = requests.post(f"{self.url}/_sim/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def client(self, marketplace_id: str = "EBAY_DE") -> EbayClient:
        return EbayClient(
            self.environment,
            self.transport,
            Tokens(self.token),
            marketplace_id=marketplace_id,
            caller=Caller(),
            clock=self.clock,
        )

    def ask(self, call: PreparedCall, *, has_body: bool = True) -> RawAnswer:
        with socket.create_connection((call.host, call.port), timeout=10) as connection:
            connection.sendall(call.request)
            reader, answer = AnswerReader(has_body=has_body), None
            while answer is None:
                answer = reader.feed(connection.recv(65536))
            return answer


@pytest.fixture(scope="module")
def ebay():
    with SimulatorServer(SimulatorConfig(orders=0, auctions=0)) as server:
        known = Ebay(server.url)
        yield known
        known.transport.close()


def test_from_a_link_to_a_proven_bid_in_the_sellers_currency(ebay):
    legacy_id = ebay.control("auctions", site="GB", start=10.0, ends_in_s=600)["itemIds"][0]
    item = get_item(ebay.client(), legacy_item_id(f"https://www.ebay.co.uk/itm/mug/{legacy_id}"))
    assert (item.currency, item.minimum_bid) == ("GBP", Money(Decimal("10.00"), "GBP"))
    assert item.is_open(ebay.clock.now())
    assert get_bidding(ebay.client(), item.item_id) is None

    maximum = Money(Decimal("25.00"), item.currency)
    known = {"access_token": ebay.token, "item_id": item.item_id, "marketplace_id": "EBAY_DE"}
    answer = ebay.ask(prepare_bid(ebay.environment, maximum=maximum, **known))
    assert bid_answer(answer).accepted and answer.keeps_open
    assert bidding_answer(ebay.ask(prepare_bidding_read(ebay.environment, **known))).bidding.holds(maximum)
    assert get_bidding(ebay.client(), item.item_id).high_bidder

    lower = Money(Decimal("24.00"), item.currency)
    refused = bid_answer(ebay.ask(prepare_bid(ebay.environment, maximum=lower, **known)))
    assert refused.reason is BidReason.CANNOT_LOWER
    assert place_proxy_bid(ebay.client(), item.item_id, maximum=Money(Decimal("26"), "GBP"))


def test_a_probe_measures_the_clock(ebay):
    answer = ebay.ask(prepare_probe(ebay.environment), has_body=False)
    assert answer.date_at is not None


def test_an_unknown_item(ebay):
    with pytest.raises(EbayError) as caught:
        get_item(ebay.client(), "410000000001")
    assert item_trouble(caught.value) is ItemTrouble.NOT_FOUND
