"""A record on which eBay fails, whatever the page that would hold it."""


def test_only_answers_that_would_hold_the_record_fail(sim):
    token = sim.mint()
    poisoned = sim.orders(token, limit=2).json()["orders"][1]["orderId"]
    sim.control("POST", "/faults", {"path": "/order", "kind": "poison", "contains": poisoned, "count": None})

    def status(**params):
        return sim.orders(token, **params).status_code

    assert status(limit=1, offset=0) == 200
    assert status(limit=1, offset=1) == 500
    assert status(limit=50, offset=0) == 500
    assert status(limit=50, offset=2) == 200
    assert sim.get(f"/sell/fulfillment/v1/order/{poisoned}", token).status_code == 500


def test_a_poison_without_its_text_is_refused(sim):
    sim.control("POST", "/faults", {"path": "/order", "kind": "poison"}, status=400)
