from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .conftest import contract

ALL_SELLERS = (
    "northwind_parts", "thames_tools", "mueller_technik", "flohmarkt_anna", "brocante_zoe", "outback_spares",
)  # fmt: skip
CURRENCIES = {
    "thames_tools": "GBP",
    "flohmarkt_anna": "EUR",
    "outback_spares": "AUD",
    "northwind_parts": "USD",
}


def schema_of(document, name):
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


def without_nulls(value):
    """eBay writes null where the contract means absent."""
    if isinstance(value, dict):
        return {name: without_nulls(below) for name, below in value.items() if below is not None}
    return [without_nulls(below) for below in value] if isinstance(value, list) else value


def unknown_fields(document, name, value, at=""):
    """Fields of an answer that the contract does not name."""
    properties = document["components"]["schemas"][name]["properties"]
    for field, below in value.items():
        known = properties.get(field)
        if known is None:
            yield f"{at}.{field}"
            continue
        ref = known.get("$ref") or known.get("items", {}).get("$ref")
        if ref:
            for one in below if isinstance(below, list) else [below]:
                yield from unknown_fields(document, ref.rsplit("/", 1)[1], one, f"{at}.{field}")


def every_order(sim):
    for seller in ALL_SELLERS:
        yield from sim.truth(seller)


def cents(amount):
    return int(Decimal(amount["value"]) * 100)


@pytest.mark.parametrize("groups", [{}, {"fieldGroups": "TAX_BREAKDOWN"}])
@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_pages_fit_the_contract(sim, seller, groups):
    document = contract("sell_fulfillment_v1_oas3.json")
    page = without_nulls(sim.orders(sim.mint(seller), limit=200, **groups).json())
    validator = Draft202012Validator(schema_of(document, "OrderSearchPagedCollection"))
    assert [error.message for error in validator.iter_errors(page)] == []
    unknown = set(unknown_fields(document, "OrderSearchPagedCollection", page))
    assert unknown <= {".orders.legacyOrderId"}  # live answers have it, the contract does not (03 §4.1)


def test_cancelled_order_fits_the_contract(sim):
    document = contract("sell_fulfillment_v1_oas3.json")
    order_id = sim.new_order()
    for kind in ("cancel_request", "cancel"):
        sim.control("POST", "/orders/change", {"seller": "thames_tools", "count": 121, "kind": kind})
    order = sim.get(f"/sell/fulfillment/v1/order/{order_id}", sim.mint()).json()
    assert order["cancelStatus"]["cancelRequests"][0]["cancelRequestState"] == "COMPLETED"
    assert not list(Draft202012Validator(schema_of(document, "Order")).iter_errors(without_nulls(order)))


def test_contract_check_can_fail(sim):
    document = contract("sell_fulfillment_v1_oas3.json")
    order_id = sim.new_order(overrides={"buyer": {"username": 7}, "surprise": {}})
    order = sim.orders(orderIds=order_id).json()["orders"][0]
    assert list(Draft202012Validator(schema_of(document, "Order")).iter_errors(order))
    assert ".surprise" in set(unknown_fields(document, "Order", without_nulls(order)))


@pytest.mark.parametrize(
    ("age_days", "email", "name"),
    [(13.9, True, True), (14.1, False, True), (89.9, False, True), (90.1, False, False)],
)
def test_buyer_data_vanish_with_age(sim, age_days, email, name):
    sim.freeze()
    created_at = iso(parse_iso(sim.now()) - int(age_days * DAY_MS))
    wanted = sim.control("POST", "/orders", {"seller": "thames_tools", "count": 30, "created_at": created_at})
    rows = sim.orders(orderIds=",".join(wanted["orderIds"])).json()["orders"]
    contacts = [row["fulfillmentStartInstructions"][0]["shippingStep"]["shipTo"] for row in rows]
    contacts += [row["buyer"]["buyerRegistrationAddress"] for row in rows]
    assert any("email" in contact for contact in contacts) is email
    assert all(("fullName" in c, "primaryPhone" in c) == (name, name) for c in contacts)
    assert all(("addressLine1" in c["contactAddress"]) is name for c in contacts)
    assert all("city" in c["contactAddress"] for c in contacts)


def test_vanishing_does_not_move_the_change_date(sim):
    order_id = sim.new_order()
    before = sim.orders(orderIds=order_id).json()["orders"][0]
    sim.control("POST", "/clock", {"advance_s": 91 * 86_400})
    after = sim.orders(orderIds=order_id).json()["orders"][0]
    assert after["lastModifiedDate"] == before["lastModifiedDate"]
    assert after != before


def test_containers_go_missing_as_in_life(sim):
    rows = list(every_order(sim))
    lines = [line for row in rows for line in row["lineItems"]]
    for present in (
        lambda: {"refunds" in row["paymentSummary"] for row in rows},
        lambda: {"buyerCheckoutNotes" in row for row in rows},
        lambda: {"fulfillmentHrefs" in row for row in rows},
        lambda: {"salesRecordReference" in row for row in rows},
        lambda: {"cancelledDate" in row["cancelStatus"] for row in rows},
        lambda: {"sku" in line for line in lines},
        lambda: {"legacyVariationId" in line for line in lines},
    ):
        assert present() == {True, False}
    assert any(row["cancelStatus"].get("cancelledDate", "") is None for row in rows)


def test_some_orders_have_two_lines_of_one_sku(sim):
    twins = 0
    for row in every_order(sim):
        assert len({line["lineItemId"] for line in row["lineItems"]}) == len(row["lineItems"])
        skus = [line["sku"] for line in row["lineItems"] if "sku" in line]
        twins += len(skus) > len(set(skus))
    assert twins > 5


def test_names_and_titles_are_not_ascii(sim):
    rows = sim.truth("mueller_technik")
    assert any(not line["title"].isascii() for row in rows for line in row["lineItems"])


@pytest.mark.parametrize(("seller", "currency"), CURRENCIES.items())
def test_currency_follows_the_site(sim, seller, currency):
    assert {row["pricingSummary"]["total"]["currency"] for row in sim.truth(seller)} == {currency}


def test_cross_border_amounts_are_converted(sim):
    totals = [row["pricingSummary"]["total"] for row in every_order(sim)]
    foreign = [total for total in totals if "convertedFromCurrency" in total]
    assert foreign
    assert all(total["convertedFromCurrency"] != total["currency"] for total in foreign)


@pytest.mark.parametrize("groups", [{}, {"fieldGroups": "TAX_BREAKDOWN"}])
def test_totals_add_up(sim, groups):
    rows = sim.all_orders(sim.mint("northwind_parts"), **groups)
    for row in rows:
        summary = row["pricingSummary"]
        tax = sum(cents(tax["amount"]) for line in row["lineItems"] for tax in line.get("taxes", []))
        discount = cents(summary["priceDiscount"]) if "priceDiscount" in summary else 0
        expected = cents(summary["priceSubtotal"]) + discount + cents(summary["deliveryCost"]) + tax
        assert cents(summary["total"]) == expected == sum(cents(line["total"]) for line in row["lineItems"])
        assert (tax > 0) is bool(groups)


def test_refunds_lower_what_the_seller_is_due(sim):
    sim.control("POST", "/orders/change", {"seller": "thames_tools", "count": 120, "kind": "refund"})
    partly = [row for row in sim.truth() if row["orderPaymentStatus"] == "PARTIALLY_REFUNDED"]
    assert partly
    for row in partly:
        refund = sum(cents(one["amount"]) for one in row["paymentSummary"]["refunds"])
        assert (
            cents(row["paymentSummary"]["totalDueSeller"]) == cents(row["pricingSummary"]["total"]) - refund
        )


def test_dates_are_in_order(sim):
    now = parse_iso(sim.now())
    for row in every_order(sim):
        assert parse_iso(row["creationDate"]) <= parse_iso(row["lastModifiedDate"]) <= now
