"""getInventoryItems, getInventoryItem, getOffers and getOffer over HTTP (03 §6, §0, 7 and 17)."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest

from ebayconnector.simulator import api_inventory

from .conftest import API, SELLER, counted, error_id

ITEMS, OFFERS = "/sell/inventory/v1/inventory_item", "/sell/inventory/v1/offer"
LANGUAGE = {"Accept-Language": "en-GB"}


class Inventory:
    def __init__(self, sim, seller=SELLER) -> None:
        self.sim = sim
        self.seller = seller
        self.token = sim.mint(seller)

    def items(self, **params):
        return self.sim.get(ITEMS, self.token, LANGUAGE, **params)

    def item(self, sku):
        return self.sim.get(f"{ITEMS}/{quote(sku, safe='')}", self.token, LANGUAGE)

    def offers(self, **params):
        return self.sim.get(OFFERS, self.token, LANGUAGE, **params)

    def offer(self, offer_id):
        return self.sim.get(f"{OFFERS}/{offer_id}", self.token, LANGUAGE)

    def pages(self, **params):
        """All pages by following `next`."""
        page = self.items(**params).json()
        while True:
            yield page
            if "next" not in page:
                return
            query = {name: values[0] for name, values in parse_qs(urlsplit(page["next"]).query).items()}
            page = self.items(**query).json()

    def all_skus(self, **params):
        return [row["sku"] for page in self.pages(**params) for row in page["inventoryItems"]]

    def stock(self):
        return self.sim.control("GET", f"/stock?seller={self.seller}")["items"]

    def truth(self, what):
        return self.sim.control("GET", f"/truth/{what}?seller={self.seller}")[what]

    def new_item(self, **fields):
        return self.sim.control("POST", "/stock", {"seller": self.seller, **fields})["items"][0]


@pytest.fixture
def inventory(sim):
    return Inventory(sim)


def skus(rows):
    return [row["sku"] for row in rows]


def test_default_page_has_25_items_in_the_order_of_creation(inventory):
    page = inventory.items().json()
    assert (page["limit"], page["total"], page["size"]) == (25, 40, 2)
    assert skus(page["inventoryItems"]) == skus(inventory.stock())[:25]
    assert "prev" not in page


def test_offset_is_a_page_number(inventory):
    rows = skus(inventory.stock())
    page = inventory.items(limit=15, offset=1).json()
    assert skus(page["inventoryItems"]) == rows[15:30]
    assert page["size"] == 3
    assert parse_qs(urlsplit(page["next"]).query) == {"offset": ["2"], "limit": ["15"]}
    assert parse_qs(urlsplit(page["prev"]).query) == {"offset": ["0"], "limit": ["15"]}


def test_offset_can_be_a_row_number(sim):
    sim.control("POST", "/reset", {"inventory_offset": "row"})
    inventory = Inventory(sim)
    page = inventory.items(limit=15, offset=10).json()
    assert skus(page["inventoryItems"]) == skus(inventory.stock())[10:25]
    assert parse_qs(urlsplit(page["next"]).query)["offset"] == ["25"]
    assert parse_qs(urlsplit(page["prev"]).query)["offset"] == ["0"]


@pytest.mark.parametrize("counted_in", ["page", "row"])
@pytest.mark.parametrize("limit", [7, 20, 40, 200])
def test_following_next_gives_every_item_once(sim, counted_in, limit):
    sim.control("POST", "/reset", {"inventory_offset": counted_in})
    inventory = Inventory(sim)
    assert inventory.all_skus(limit=limit) == skus(inventory.stock())


def test_links_are_absolute_or_paths(sim, inventory):
    page = inventory.items(limit=15, offset=1).json()
    assert all(page[name].startswith(f"{sim.url}{ITEMS}?") for name in ("href", "next", "prev"))
    sim.control("POST", "/reset", {"inventory_links": "relative"})
    page = Inventory(sim).items(limit=15, offset=1).json()
    assert page["next"] == f"{ITEMS}?offset=2&limit=15"


def test_page_beyond_the_end_is_empty(inventory):
    page = inventory.items(offset=2).json()
    assert (page["inventoryItems"], page["total"]) == ([], 40)
    assert "next" not in page


def test_stock_of_nothing(sim):
    sim.control("POST", "/reset", {"stock": 0})
    page = Inventory(sim).items().json()
    assert (page["inventoryItems"], page["total"], page["size"]) == ([], 0, 0)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", ""])
def test_bad_limit_of_items(inventory, limit):
    answer = inventory.items(limit=limit)
    assert (answer.status_code, error_id(answer)) == (400, 25706)


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", ""])
def test_bad_offset(inventory, offset):
    assert error_id(inventory.items(offset=offset)) == 25706
    assert error_id(inventory.offers(sku=inventory.new_item()["sku"], offset=offset)) == 25706


def test_bad_limit_of_offers(inventory):
    assert error_id(inventory.offers(sku=inventory.new_item()["sku"], limit="0")) == 25706


@pytest.mark.parametrize(
    ("sort", "arrange"),
    [
        ("newest_first", lambda rows: rows[::-1]),
        ("by_sku", sorted),
    ],
)
def test_order_of_the_items(sim, sort, arrange):
    sim.control("POST", "/reset", {"stock_sort": sort})
    inventory = Inventory(sim)
    assert inventory.all_skus(limit=9) == arrange(skus(inventory.stock()))


def test_shuffled_items_keep_their_order_from_page_to_page(sim):
    sim.control("POST", "/reset", {"stock_sort": "shuffled"})
    inventory = Inventory(sim)
    read, created = inventory.all_skus(limit=9), skus(inventory.stock())
    assert read != created
    assert sorted(read) == sorted(created)


@pytest.mark.parametrize("call", ["items", "item", "offers", "offer"])
@pytest.mark.parametrize(
    "language",
    [None, "", "*", "en", "en_US", "xx-XX", "en-US,en;q=0.9", "en-US, de-DE", "en-US;q=1", "English"],
)
def test_missing_or_odd_language_is_refused(sim, call, language):
    paths = {"items": ITEMS, "item": f"{ITEMS}/X", "offers": f"{OFFERS}?sku=X", "offer": f"{OFFERS}/1"}
    sent = {} if language is None else {"Accept-Language": language}
    answer = sim.get(paths[call], sim.mint(), sent)
    assert (answer.status_code, error_id(answer)) == (400, 25709)
    assert answer.json()["errors"][0]["message"] == "Invalid value for header Accept-Language."


@pytest.mark.parametrize("language", ["en-US", "en-GB", "de-DE", "fr-CA"])
def test_language_is_answered_with(sim, language):
    answer = sim.get(ITEMS, sim.mint(), {"Accept-Language": language})
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, language)


@pytest.mark.parametrize("path", [ITEMS, f"{ITEMS}/X", f"{OFFERS}?sku=X", f"{OFFERS}/1"])
def test_expired_token_answers_403_like_a_missing_scope(sim, path):
    token = sim.mint()
    sim.control("POST", "/tokens/expire", {"seller": SELLER})
    expired = sim.get(path, token, LANGUAGE)
    poor = sim.get(path, sim.mint(scopes=[API]), LANGUAGE)
    assert (expired.status_code, error_id(expired)) == (403, 1100)
    assert expired.json() == poor.json()


def test_expired_token_answers_401_elsewhere(sim):
    token = sim.mint()
    sim.control("POST", "/tokens/expire", {"seller": SELLER})
    assert error_id(sim.orders(token)) == 1001


def test_unknown_and_revoked_tokens_answer_401(sim):
    token = sim.mint()
    sim.control("POST", "/tokens/revoke", {"seller": SELLER})
    answers = [sim.get(ITEMS, text, LANGUAGE) for text in ("v^1.1#i^1#unknown", token)]
    assert [(answer.status_code, error_id(answer)) for answer in answers] == [(401, 1001)] * 2


def test_application_token_is_refused(sim):
    assert error_id(sim.get(ITEMS, sim.app_token(), LANGUAGE)) == 1100


@pytest.mark.parametrize("scope", ["sell.inventory", "sell.inventory.readonly"])
def test_either_scope_is_enough(sim, scope):
    assert sim.get(ITEMS, sim.mint(scopes=[f"{API}/{scope}"]), LANGUAGE).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "number"),
    [("expired_token", 403, 1100), ("rate_limited", 429, 2001), ("server_error", 500, 25001)],
)
def test_faults_answer_in_the_apis_shape(sim, inventory, kind, status, number):
    sim.control("POST", "/faults", {"path": OFFERS, "kind": kind})
    answer = inventory.offers(sku="X")
    assert (answer.status_code, error_id(answer)) == (status, number)


def test_quota(sim, inventory):
    assert sim.control("GET", "/state")["quotas"]["limits"]["inventory"] == 2_000_000
    sim.control("POST", "/quotas", {"api": "inventory", "limit": 2})
    answers = [inventory.items(), inventory.offers(sku="X"), inventory.items()]
    assert [answer.status_code for answer in answers] == [200, 404, 429]


def test_every_sku_gives_its_item(inventory):
    for row in inventory.stock():
        assert inventory.item(row["sku"]).json()["sku"] == row["sku"]


def test_stock_has_skus_that_break_careless_clients(inventory):
    given = skus(inventory.stock())
    for text in (" ", "/", "+", "&", "%", "%2F", "#", "?", "ö", "日"):
        assert any(text in sku for sku in given), text
    assert max(len(sku) for sku in given) == 50
    assert len(set(given)) == len(given)


@pytest.mark.parametrize("sku", ["A/B", "a%2Fb", "C++ x", "ä ö", "50%", "?x=1#y"])
def test_sku_is_decoded_once(inventory, sku):
    inventory.new_item(sku=sku)
    assert inventory.item(sku).json()["sku"] == sku
    assert skus(inventory.offers(sku=sku).json()["offers"]) == [sku]


def test_slash_that_is_not_encoded_is_another_path(sim, inventory):
    inventory.new_item(sku="A/B")
    answer = sim.get(f"{ITEMS}/A/B", inventory.token, LANGUAGE)
    assert (answer.status_code, error_id(answer)) == (404, 2002)


def test_plus_that_is_not_encoded_is_a_space(sim, inventory):
    inventory.new_item(sku="C+x")
    answer = sim.get(f"{OFFERS}?sku=C+x", inventory.token, LANGUAGE)
    assert (answer.status_code, error_id(answer)) == (404, 25702)


def test_unknown_and_foreign_items(sim, inventory):
    foreign = Inventory(sim, "outback_spares").stock()[0]["sku"]
    answers = [inventory.item(sku) for sku in ("nothing", foreign)]
    assert [(answer.status_code, error_id(answer)) for answer in answers] == [(404, 25710)] * 2


def test_offers_of_a_sku(inventory):
    offers = inventory.offers(sku=inventory.new_item()["sku"])
    page = offers.json()
    assert (page["limit"], page["total"], page["size"], len(page["offers"])) == (100, 1, 1, 1)
    assert page["href"].endswith("&offset=0&limit=100")
    assert not {"next", "prev"} & set(page)


def test_every_offer_is_found_by_sku_and_by_id(inventory):
    for row in inventory.stock():
        expected = [offer["offerId"] for offer in row["offers"]]
        for offer_id in expected:
            assert inventory.offer(offer_id).json()["sku"] == row["sku"]
        answer = inventory.offers(sku=row["sku"])
        if row["legacy"]:
            assert (answer.status_code, error_id(answer)) == (400, 25707)
        elif not expected:
            assert (answer.status_code, error_id(answer)) == (404, 25713)
        else:
            assert [offer["offerId"] for offer in answer.json()["offers"]] == expected


def test_offers_need_a_sku(inventory):
    for params in ({}, {"sku": ""}, {"marketplace_id": "EBAY_GB"}, {"sku": "x" * 51}):
        answer = inventory.offers(**params)
        assert (answer.status_code, error_id(answer)) == (400, 25707)


def test_unknown_sku_and_sku_of_another_seller(sim, inventory):
    foreign = Inventory(sim, "outback_spares").stock()[0]["sku"]
    for sku in ("nothing", foreign):
        answer = inventory.offers(sku=sku)
        assert (answer.status_code, error_id(answer)) == (404, 25702)
        assert sku in answer.json()["errors"][0]["message"]


def test_unknown_and_foreign_offers(sim, inventory):
    foreign = Inventory(sim, "outback_spares").truth("offers")[0]["offerId"]
    for offer_id in ("1", "abc", foreign):
        answer = inventory.offer(offer_id)
        assert (answer.status_code, error_id(answer)) == (404, 25713)


def two_marketplaces(inventory):
    sku = inventory.new_item()["sku"]
    body = {"seller": SELLER, "sku": sku, "marketplace_id": "EBAY_FR"}
    inventory.sim.control("POST", "/stock/offers", body)
    return sku


def test_offers_filtered_by_marketplace(inventory):
    sku = two_marketplaces(inventory)
    assert inventory.offers(sku=sku).json()["total"] == 2
    page = inventory.offers(sku=sku, marketplace_id="EBAY_FR").json()
    assert [offer["marketplaceId"] for offer in page["offers"]] == ["EBAY_FR"]
    assert error_id(inventory.offers(sku=sku, marketplace_id="EBAY_PL")) == 25713
    assert error_id(inventory.offers(sku=sku, marketplace_id="EBAY_MOON")) == 25709


def test_offers_filtered_by_format(inventory):
    row = next(row for row in inventory.stock() if {o["format"] for o in row["offers"]} > {"AUCTION"})
    page = inventory.offers(sku=row["sku"], format="AUCTION").json()
    assert [offer["format"] for offer in page["offers"]] == ["AUCTION"]
    assert error_id(inventory.offers(sku=row["sku"], format="RAFFLE")) == 25709


def test_offers_page(inventory):
    sku = two_marketplaces(inventory)
    first = inventory.offers(sku=sku, limit=1).json()
    query = parse_qs(urlsplit(first["next"]).query)
    assert (first["total"], first["size"]) == (2, 1)
    assert query == {"sku": [sku], "offset": ["1"], "limit": ["1"]}
    last = inventory.offers(sku=sku, limit=1, offset=1).json()
    assert first["offers"][0]["offerId"] != last["offers"][0]["offerId"]
    assert "next" not in last


def test_truth_is_what_the_api_gives(inventory):
    assert inventory.truth("items") == inventory.items(limit=200).json()["inventoryItems"]
    given = []
    for row in inventory.stock():
        given += inventory.offers(sku=row["sku"]).json().get("offers", [])
    assert inventory.truth("offers") == given


def test_a_page_from_5_000_items_makes_its_own_bodies_only(sim, monkeypatch):
    made = counted(monkeypatch, api_inventory, "item_body")
    sim.control("POST", "/reset", {"stock": 5_000})
    inventory = Inventory(sim)
    assert inventory.items(limit=200).json()["total"] == 5_000
    made.clear()
    assert len(inventory.items(limit=200, offset=24).json()["inventoryItems"]) == 200
    assert len(made) == 200
