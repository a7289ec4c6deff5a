"""The sniper's API, bulk service and console pages, over real HTTP to the simulator where eBay is asked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import principal_of_user
from accounts.models import AuditEvent, Role
from sniper.models import Snipe, SniperSwitch
from sniper.refusals import SnipeRefused
from sniper.services.bulk import MOST_ROWS, plan_bulk
from tests.api_callers import as_member
from tests.factories import AccountFactory, MembershipFactory, OrganizationFactory, give_token, member

from .bidding import auction, bidder
from .rows import AttemptFactory, EventFactory, GroupFactory, SnipeFactory

API = "/api/sniper"
CONTRACT = {
    "id", "ebay_account_id", "item_id", "max_bid_amount", "seconds_before_end", "comment", "title",
    "image_url", "currency", "current_bid_at_creation", "end_time", "fire_at", "status", "result_price",
    "result_message",
}  # fmt: skip
LOG_CONTRACT = {
    "created_at", "event_type", "status", "message", "http_status", "correlation_id", "ebay_bid_id",
}  # fmt: skip


def body(account, item, maximum="25.00", **more):
    return {"ebay_account_id": account.pk, "item_id": item, "max_bid_amount": maximum, **more}


def test_a_snipe_is_planned_read_changed_and_cancelled_over_the_api(ebay):
    account = bidder(ebay)
    item = auction(ebay, title="A lamp")
    client = as_member(Role.OPERATOR, account.organization)
    link = f"https://www.ebay.com/itm/{item}?hash=x"
    answer = client.post(f"{API}/snipes", body(account, link, comment="hall"), format="json")
    assert answer.status_code == 201, answer.json()
    planned = answer.json()
    assert CONTRACT | {"warnings"} <= set(planned)
    assert (planned["item_id"], planned["title"], planned["status"]) == (item, "A lamp", "scheduled")
    assert (planned["max_bid_amount"], planned["current_bid_at_creation"]) == ("25.00", "10.00")
    own = f"{API}/snipes/{planned['id']}"
    again = client.post(f"{API}/snipes", body(account, item), format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_planned")
    assert client.get(f"{API}/snipes?live=true&status=scheduled").json()["count"] == 1

    group = client.post(f"{API}/groups", {"name": "Lamps", "budget": "40", "currency": "USD"}, format="json")
    changed = client.patch(own, {"max_bid_amount": "30", "group_id": group.json()["id"]}, format="json")
    assert (changed.json()["max_bid_amount"], changed.json()["group_id"]) == ("30.00", group.json()["id"])
    wrong = client.patch(own, {"max_bid_amount": "-1", "comment": "x"}, format="json")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_amount")
    assert set(wrong.json()["error"]["details"]) == {"max_bid_amount"}
    cancelled = client.delete(own)
    assert (cancelled.status_code, cancelled.json()["snipe"]["status"]) == (200, "cancelled")
    assert client.delete(own).status_code == 409
    refused = client.patch(own, {"comment": "late"}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_changeable")
    logs = client.get(f"{own}/logs").json()["results"]
    assert [line["event_type"] for line in logs] == ["planned", "edited", "edited", "cancelled"]
    assert set(logs[0]) >= LOG_CONTRACT
    acts = AuditEvent.objects.filter(target_type="snipe").order_by("pk").values_list("action", "result")
    assert acts[0] == ("snipe_planned", "ok")
    assert acts.filter(action="snipe_cancelled").count() == 2


def test_a_viewer_reads_and_plans_nothing(ebay):
    account = bidder(ebay)
    snipe = SnipeFactory(account=account)
    client = as_member(Role.VIEWER, account.organization)
    assert client.get(f"{API}/snipes").json()["count"] == 1
    writes = [
        client.post(f"{API}/snipes", body(account, auction(ebay)), format="json"),
        client.post(f"{API}/preview", body(account, "110012345678"), format="json"),
        client.patch(f"{API}/snipes/{snipe.pk}", {"comment": "x"}, format="json"),
        client.delete(f"{API}/snipes/{snipe.pk}"),
        client.post(f"{API}/groups", {"name": "x"}, format="json"),
        client.post(f"{API}/switch", {"enabled": False, "reason": "x"}, format="json"),
        client.post(f"{API}/limits", {"currency": "USD", "max_bid": "5"}, format="json"),
    ]
    assert [answer.status_code for answer in writes] == [403] * len(writes)
    rows = client.post(
        f"{API}/snipes/bulk", f"account,item,max_bid_amount\n{account.pk},1,5", content_type="text/csv"
    )
    assert rows.json()["results"][0]["code"] == "not_allowed"
    assert Snipe.objects.get().comment == "" and not SniperSwitch.objects.exists()


def test_it_is_planned_although_the_user_token_is_broken_and_the_caller_is_warned(ebay):
    account = bidder(ebay)
    give_token(account, refresh_error="invalid_grant: revoked")
    client = as_member(Role.OPERATOR, account.organization)
    answer = client.post(f"{API}/snipes", body(account, auction(ebay)), format="json")
    assert answer.status_code == 201
    assert "token is broken" in " ".join(answer.json()["warnings"])
    asked = ebay.requests("/buy/browse/")
    assert len(asked) == 1 and not ebay.requests("/buy/offer/")


def test_each_row_of_a_csv_says_what_came_of_it(ebay):
    account = bidder(ebay)
    by = principal_of_user(MembershipFactory(organization=account.organization, role=Role.OPERATOR).user)
    group = GroupFactory(organization=account.organization, name="Lamps")
    foreign = AccountFactory(house_name="Theirs")
    good, second = auction(ebay), auction(ebay)
    text = (
        "\ufeffItem;Max_bid_amount;Account;Seconds_before_end;Comment;Group\r\n"
        f'{good};25.00;{account.house_name};7;"a; b";lamps\r\n'
        f";;;;;\r\n"
        f"https://www.ebay.de/itm/{second};lots;{account.pk};;;\r\n"
        f"{second};5;{foreign.house_name};;;\r\n"
        f"{second};5;{account.house_name};;;nothing\r\n"
        f"{good};5;{account.house_name};;;\r\n"
    )
    rows = plan_bulk(text, by=by)
    assert [row.code for row in rows] == [
        "", "bad_amount", "bad_account", "group_mismatch", "already_planned"
    ]  # fmt: skip
    snipe = Snipe.objects.get()
    assert rows[0].snipe == snipe and rows[0].line == 2
    assert (snipe.seconds_before_end, snipe.comment, snipe.group) == (7, "a; b", group)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ["", "item\n1", "item,max_bid_amount,colour\n1,2,red", "item,max_bid_amount",
     "item,max_bid_amount\n1,2,3", "item,max_bid_amount\n" + "1,2\n" * (MOST_ROWS + 1)],
)  # fmt: skip
def test_a_text_that_is_no_list_of_snipes_is_refused_as_a_whole(text):
    account = AccountFactory()
    by = principal_of_user(member(Role.OPERATOR, account.organization))
    with pytest.raises(SnipeRefused) as refused:
        plan_bulk(text, by=by, account=account)
    assert refused.value.code == "bad_csv"


@pytest.mark.django_db
def test_totals_say_what_was_won_saved_and_how_fast():
    account, now = AccountFactory(), timezone.now()
    won = SnipeFactory(account=account, status="won", result_price="30.00", finished_at=now)
    SnipeFactory(account=account, status="lost", reason="outbid", result_price="60.00", finished_at=now)
    AttemptFactory(snipe=won, latency_ms=80.0)
    answer = as_member(Role.VIEWER, account.organization).get(f"{API}/totals").json()
    row = answer["results"][0]
    assert (row["won"], row["lost"], row["saved"], row["success_rate"]) == (1, 1, "20.00", 0.5)
    assert answer["latency"] == [
        {"ebay_account_id": account.pk, "count": 1, "p50_ms": 80.0, "p99_ms": 80.0}
    ]  # fmt: skip
    client = Client()
    client.force_login(member(Role.VIEWER, account.organization))
    page = client.get(reverse("admin:snipe_totals")).content.decode()
    assert "50 %" in page and "half of them within 80 ms" in page


@pytest.mark.django_db
def test_the_page_of_a_snipe_draws_its_timeline_and_names_its_calls():
    snipe = SnipeFactory(
        status="lost", reason="outbid", result_message="somebody bid more; it went for 51.00",
        armed_at=timezone.now(), finished_at=timezone.now(), result_price="51.00",
    )  # fmt: skip
    AttemptFactory(snipe=snipe, offset_ms=-12.5, offset_error_ms=4.0)
    EventFactory(
        snipe=snipe, event_type="place_bid", endpoint="placeProxyBid", token_kind="user", http_status=200
    )
    client = Client()
    client.force_login(member(Role.VIEWER, snipe.account.organization))
    page = client.get(reverse("admin:snipe", args=[snipe.pk])).content.decode()
    assert "Somebody bid more; it went for 51.00." in page
    for words in (
        "+0.5 ms",
        "offset −12.5 ms ± 4 ms",
        "latency 80 ms",
        "placeProxyBid, user token, HTTP 200",
    ):
        assert words in page, words
    assert "Cancel the snipe" not in page


@pytest.mark.django_db
def test_the_board_says_what_would_keep_a_snipe_from_being_sent():
    account = AccountFactory(purpose="BUYER", token__granted_scopes=[])
    SnipeFactory(account=account)
    operator = member(Role.OPERATOR, account.organization)
    client = Client()
    client.force_login(operator)
    url = reverse("admin:sniper_switch", args=[account.organization_id])
    assert client.post(url, {"enabled": "0", "reason": ""}).status_code == 400
    client.post(url, {"enabled": "0", "reason": "wrong prices"})
    page = client.get(reverse("admin:snipes")).content.decode()
    for words in ("None is running", "Nothing will be bid", "Not granted", "is off", "wrong prices"):
        assert words in page, words
    assert operator.username in page
    client.post(url, {"enabled": "1"})
    assert "wrong prices" not in client.get(reverse("admin:snipes_board")).content.decode()


@pytest.mark.django_db
def test_overlapping_ends_of_a_group_show_before_they_hurt():
    group = GroupFactory()
    account = AccountFactory(organization=group.organization)
    end = timezone.now() + timedelta(minutes=10)
    first = SnipeFactory(account=account, group=group, end_time=end)
    second = SnipeFactory(account=account, group=group, end_time=end + timedelta(seconds=3))
    SnipeFactory(account=account, group=group, end_time=end + timedelta(minutes=5))
    client = as_member(Role.VIEWER, group.organization)
    shown = client.get(f"{API}/groups/{group.pk}").json()
    assert shown["overlaps"] == [{"first_id": first.pk, "second_id": second.pk}]
    assert Decimal(shown["standing"]["spent"]) == 0
    console = Client()
    console.force_login(member(Role.VIEWER, group.organization))
    page = console.get(reverse("admin:snipe_group", args=[group.pk])).content.decode()
    assert "Ends that overlap" in page and "Change the rules" not in page
    assert "It has won what it wants" not in page
    SnipeFactory(account=account, group=group, status="won", result_price="20.00")
    page = console.get(reverse("admin:snipe_group", args=[group.pk])).content.decode()
    assert "It has won what it wants" in page


@pytest.mark.django_db
def test_limits_belong_to_admins_and_stay_in_their_organisation():
    organization = OrganizationFactory()
    admin = as_member(Role.ADMIN, organization)
    operator = as_member(Role.OPERATOR, organization)
    wanted = {"currency": "USD", "max_bid": "100"}
    assert operator.post(f"{API}/limits", wanted, format="json").status_code == 403
    assert admin.post(f"{API}/limits", wanted, format="json").json()["max_bid"] == "100.00"
    assert operator.get(f"{API}/limits").json()["count"] == 1
    taken_away = admin.post(f"{API}/limits", {"currency": "USD"}, format="json").json()
    assert (taken_away["id"], taken_away["max_bid"]) == (None, None)
    assert operator.get(f"{API}/limits").json()["count"] == 0
