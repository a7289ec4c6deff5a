"""Snipes as rows, for tests that need no eBay."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from sniper.models import Snipe, SnipeAttempt, SnipeEvent, SnipeGroup, SniperLimit
from tests.factories import AccountFactory, OrganizationFactory


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SnipeGroup

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Group {n}")
    currency = "USD"


class SnipeFactory(factory.django.DjangoModelFactory):
    """Scheduled, for an auction that ends in ten minutes."""

    class Meta:
        model = Snipe

    account = factory.SubFactory(AccountFactory, purpose="BUYER")
    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    rest_item_id = factory.LazyAttribute(lambda snipe: f"v1|{snipe.item_id}|0")
    title = "A lamp"
    seller = "seller_2"
    marketplace_id = "EBAY_US"
    currency = "USD"
    max_bid_amount = "50.00"
    seconds_before_end = 5
    current_bid_at_creation = "10.00"
    end_time = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=10))
    fire_at = factory.LazyAttribute(lambda s: s.end_time - timedelta(seconds=s.seconds_before_end))


class AttemptFactory(factory.django.DjangoModelFactory):
    """Sent half a millisecond late, answered after 80 ms."""

    class Meta:
        model = SnipeAttempt

    snipe = factory.SubFactory(SnipeFactory)
    no = 1
    amount = factory.LazyAttribute(lambda attempt: attempt.snipe.max_bid_amount)
    owner = "executor"
    planned_at = factory.LazyAttribute(lambda attempt: attempt.snipe.fire_at)
    recorded_at = factory.LazyAttribute(lambda attempt: attempt.planned_at - timedelta(seconds=1))
    sent_at = factory.LazyAttribute(lambda attempt: attempt.planned_at + timedelta(microseconds=500))
    answered_at = factory.LazyAttribute(lambda attempt: attempt.sent_at + timedelta(milliseconds=80))
    outcome = "accepted"
    lateness_ms = 0.5
    latency_ms = 80.0
    offset_ms = 3.0
    offset_error_ms = 2.0


class EventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SnipeEvent

    snipe = factory.SubFactory(SnipeFactory)
    event_type = "planned"
    status = "scheduled"


class LimitFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SniperLimit

    organization = factory.SubFactory(OrganizationFactory)
    currency = "USD"
    max_bid = "100.00"
