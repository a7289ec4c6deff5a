"""Proxy bidding by the rules of eBay's help pages, without HTTP."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebayconnector.simulator.auction_book import Auction, Rival
from ebayconnector.simulator.auction_increments import increment
from ebayconnector.simulator.auction_proxy import ProxyBook
from ebayconnector.simulator.sites import US


def book(*bids: tuple[str, int], start: int = 1000, reserve: int | None = None) -> ProxyBook:
    made = ProxyBook(start, reserve, "USD")
    for at, (bidder, maximum) in enumerate(bids):
        if made.refusal(bidder, maximum, takes_same=True) is None:
            made.place(bidder, maximum, at)
    return made


@pytest.mark.parametrize(
    ("cents", "currency", "step"),
    [(1, "USD", 5), (99, "USD", 5), (100, "USD", 25), (2499, "USD", 50), (2500, "USD", 100)]
    + [(500_000, "USD", 10_000), (100, "GBP", 20), (4_999, "EUR", 50), (5_000, "EUR", 100), (0, "AUD", 5)],
)
def test_increments_follow_the_price(cents, currency, step):
    assert increment(cents, currency) == step


@pytest.mark.parametrize(
    ("bids", "leader", "price"),
    [
        ([], None, 1000),
        ([("a", 5000)], "a", 1000),
        ([("a", 5000), ("b", 3000)], "a", 3100),
        ([("a", 3000), ("b", 5000)], "b", 3100),
        ([("a", 3000), ("b", 3050)], "b", 3050),
        ([("a", 3000), ("b", 3000)], "a", 3000),
        ([("a", 3000), ("b", 2000), ("a", 9000)], "a", 2050),
        ([("a", 3000), ("b", 3000), ("b", 3100)], "b", 3100),
        ([("a", 1000), ("b", 4000), ("c", 4000)], "b", 4000),
    ],
)
def test_second_price_and_one_increment_ties_to_the_earlier(bids, leader, price):
    made = book(*bids)
    assert (made.leader, made.price) == (leader, price)


def test_a_reserve_that_is_met_is_the_price():
    assert (book(("a", 4000), reserve=5000).price, book(("a", 4000), reserve=5000).reserve_met) == (
        1000,
        False,
    )
    met = book(("a", 6000), reserve=5000)
    assert (met.price, met.reserve_met) == (5000, True)
    assert book(("a", 6000), ("b", 5500), reserve=5000).price == 5600


@pytest.mark.parametrize(
    ("bidder", "maximum", "same", "refused"),
    [
        ("c", 3099, True, 120008),
        ("c", 3200, True, None),
        ("a", 4999, True, 120010),
        ("a", 5000, True, None),
        ("a", 5000, False, 120010),
        ("a", 5001, True, None),
        ("b", 3050, True, 120008),
        ("b", 2999, True, 120010),
    ],
)
def test_who_may_bid_what(bidder, maximum, same, refused):
    assert book(("a", 5000), ("b", 3000)).refusal(bidder, maximum, takes_same=same) == refused


_BIDS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 20_000)), max_size=25)


@given(bids=_BIDS, start=st.integers(1, 5000), reserve=st.none() | st.integers(1, 20_000))
@settings(max_examples=150)
def test_in_every_history_the_highest_leads_and_pays_no_more_than_the_rules_say(bids, start, reserve):
    made, asked = ProxyBook(start, reserve, "USD"), {}
    for at, (bidder, maximum) in enumerate(bids):
        price_before = made.price
        if made.refusal(bidder, maximum, takes_same=True) is None:
            made.place(bidder, maximum, at)
            asked[bidder] = max(maximum, asked.get(bidder, 0))
        assert made.price >= price_before
    assert {one: maximum for one, (maximum, _) in made.maxima.items()} == asked
    if asked:
        ranked = sorted(asked.values(), reverse=True)
        assert asked[made.leader] == ranked[0]
        assert start <= made.price <= ranked[0]
        if len(ranked) > 1 and reserve is None:
            assert ranked[1] <= made.price <= ranked[1] + increment(ranked[1], "USD")
    assert made.as_of(len(bids)) == made


def auction(*rivals: Rival, end_us: int = 1_000_000_000) -> Auction:
    return Auction(
        "410000000000", "auction", None, "attic-finds", US, "Mug", 0, end_us, ProxyBook(1000, None, "USD"),
        rivals=list(rivals),
    )  # fmt: skip


def test_rivals_bid_at_their_moment_and_move_with_the_end():
    one = auction(Rival("late", 2000, before_end_us=1), Rival("nibbler", 9000, at_us=500, least=True))
    one.catch_up(499)
    assert one.book.bids == []
    one.catch_up(999_999_998)
    assert [bid.bidder for bid in one.book.bids] == ["nibbler"]
    assert one.book.bids[0].maximum == 1000
    one.end_us += 50
    one.catch_up(1_000_000_048)
    assert len(one.book.bids) == 1
    one.catch_up(2_000_000_000)
    assert (one.winner, one.book.bids[-1].at_us, one.book.price) == ("late", 1_000_000_049, 1050)


def test_a_rival_at_the_very_end_is_too_late():
    one = auction(Rival("too late", 2000, before_end_us=0))
    one.catch_up(2_000_000_000)
    assert (one.book.bids, one.winner, one.ended_by) == ([], None, "time")


def test_what_is_ended_early_has_no_winner_and_hears_no_more_bids():
    one = auction(Rival("early", 2000, at_us=10), Rival("late", 3000, before_end_us=5))
    one.catch_up(100)
    one.end("seller", 200)
    one.catch_up(2_000_000_000)
    assert (one.winner, len(one.book.bids), one.is_over(201)) == (None, 1, True)
