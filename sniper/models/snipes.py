"""A snipe, its attempts and its log.

Times are eBay's (own clock plus the measured offset), so that they can be held against `end_time`; the
names are those of the contract and of people's SQL.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import EbayAccount, User
from accounts.querysets import ScopedQuerySet

from .groups import SnipeGroup


class SnipeStatus(models.TextChoices):
    SCHEDULED = "scheduled", "Scheduled"
    ARMING = "arming", "Arming"
    FIRING = "firing", "Firing"
    RESOLVING = "resolving", "Resolving"
    BIDDING = "bidding", "Bid placed"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    ERROR = "error", "Error"
    MISSED = "missed", "Missed"
    SKIPPED = "skipped", "Skipped"
    CANCELLED = "cancelled", "Cancelled"


LIVE = (
    SnipeStatus.SCHEDULED,
    SnipeStatus.ARMING,
    SnipeStatus.FIRING,
    SnipeStatus.RESOLVING,
    SnipeStatus.BIDDING,
)
# Fired and undecided: counts as won at its maximum.
COMMITTED = (SnipeStatus.FIRING, SnipeStatus.RESOLVING, SnipeStatus.BIDDING)
FINAL = tuple(status for status in SnipeStatus if status not in LIVE)


class SnipeReason(models.TextChoices):
    """Why a snipe ended as it did, or what troubles a live one: the closed list."""

    # lost
    OUTBID = "outbid", "Somebody bid more"
    TOO_LOW = "too_low", "The price had passed the maximum when the bid arrived"
    RESERVE_NOT_MET = "reserve_not_met", "The seller's reserve price was not met"
    BOUGHT_NOW = "bought_now", "Somebody bought it at once"
    ENDED_EARLY = "ended_early", "The auction ended before its time"
    # error: eBay refused
    REFUSED = "refused", "eBay refused the bid"
    NOT_ELIGIBLE = "not_eligible", "eBay or the seller does not let this user bid"
    AMOUNT_REFUSED = "amount_refused", "eBay did not take this amount"
    ACCESS_NOT_GRANTED = "access_not_granted", "The bidding API is not granted to this account"
    TOKEN_REJECTED = "token_rejected", "eBay did not take the access token"
    QUOTA = "quota", "eBay's quota for bids is used up"
    RESULT_UNKNOWN = "result_unknown", "eBay did not tell the result"
    # missed: our side
    DATABASE = "database", "The database was away"
    TOKEN = "token", "No access token could be had"
    EBAY_UNREACHABLE = "ebay_unreachable", "eBay could not be reached"
    NO_EXECUTOR = "no_executor", "No executor was running in time"
    NOT_RECEIVED = "not_received", "The bid did not arrive at eBay"
    TOO_LATE = "too_late", "The bid arrived after the end"
    # skipped
    PRICE_ABOVE_MAXIMUM = "price_above_maximum", "The price was above the maximum already"
    OWN_BID_STANDS = "own_bid_stands", "A bid of one's own at least as high stands already"
    SWITCHED_OFF = "switched_off", "The sniper was switched off"
    ACCOUNT_INACTIVE = "account_inactive", "The account is deactivated"
    GROUP_COMPLETE = "group_complete", "The group has won what it wanted"
    GROUP_BUDGET = "group_budget", "The group's budget does not reach"
    GROUP_UNDECIDED = "group_undecided", "An earlier auction of the group was undecided to the end"
    OWN_SELLER = "own_seller", "One of the organisation's accounts sells it"
    PAPER = "paper", "Paper mode: no bid was sent"
    # cancelled
    BY_PERSON = "by_person", "Cancelled by a person"
    DISCONNECTED = "disconnected", "The account was disconnected"


class Snipe(models.Model):
    """One bid at the last moment. `seconds_before_end` before `end_time` is `fire_at`.

    `owner` is the executor that fired it, or takes care of it since. `trouble` is what keeps it from being
    armed at the moment, and what it ends `missed` for when that lasts.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="snipes")
    group = models.ForeignKey(
        SnipeGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="snipes"
    )
    item_id = models.CharField(max_length=20, help_text="The legacy id, as people see it")
    rest_item_id = models.CharField(max_length=60)
    title = models.CharField(max_length=300)
    image_url = models.CharField(max_length=500, blank=True)
    item_url = models.CharField(max_length=500, blank=True)
    seller = models.CharField(max_length=100, blank=True)
    marketplace_id = models.CharField(max_length=30)
    adult_only = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, help_text="The listing's own, in which bids are made")
    max_bid_amount = models.DecimalField(max_digits=14, decimal_places=2)
    seconds_before_end = models.PositiveSmallIntegerField()
    comment = models.CharField(max_length=500, blank=True)
    current_bid_at_creation = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    current_price = models.DecimalField(max_digits=14, decimal_places=2, null=True, help_text="As last read")
    price_read_at = models.DateTimeField(null=True)
    end_time = models.DateTimeField()
    fire_at = models.DateTimeField()

    status = models.CharField(max_length=20, choices=SnipeStatus.choices, default=SnipeStatus.SCHEDULED)
    reason = models.CharField(max_length=40, choices=SnipeReason.choices, blank=True)
    trouble = models.CharField(max_length=40, choices=SnipeReason.choices, blank=True)
    trouble_message = models.CharField(max_length=500, blank=True)
    warning = models.CharField(max_length=500, blank=True, help_text="What its planner was told")
    paper = models.BooleanField(default=False, help_text="Fired by an executor in paper mode")
    result_price = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    result_message = models.CharField(max_length=500, blank=True)
    ebay_bid_id = models.CharField(max_length=100, blank=True)

    owner = models.CharField(max_length=36, blank=True)
    resolving_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True, help_text="When the result is asked for next")
    checks = models.PositiveSmallIntegerField(default=0)

    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    armed_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_snipes"
        ordering = ["-id"]
        constraints = [
            # Two clicks, a CSV and an API call at once: the second becomes "planned already".
            models.UniqueConstraint(
                fields=["account", "item_id"],
                condition=Q(status__in=["scheduled", "arming", "firing", "resolving", "bidding"]),
                name="one_live_snipe_per_item",
            ),
            models.CheckConstraint(condition=Q(max_bid_amount__gt=0), name="snipe_maximum_positive"),
            models.CheckConstraint(condition=Q(fire_at__lt=F("end_time")), name="snipe_fires_before_end"),
            models.CheckConstraint(
                condition=~Q(status__in=["lost", "error", "missed", "skipped", "cancelled"]) | ~Q(reason=""),
                name="snipe_ends_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[str(status) for status in SnipeStatus]), name="snipe_status_known"
            ),
        ]
        indexes = [
            # The executors' schedule: what lives, in the order of its moments.
            models.Index(
                fields=["fire_at"],
                condition=Q(status__in=["scheduled", "arming", "firing", "resolving", "bidding"]),
                name="snipes_live",
            ),
            # The list of an account, and its totals.
            models.Index(fields=["account", "-id"], name="snipes_of_account"),
        ]

    def __str__(self) -> str:
        return f"snipe {self.pk}: {self.title[:60]}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def may_change(self) -> bool:
        """Maximum, seconds and comment may change."""
        return self.status == SnipeStatus.SCHEDULED

    @property
    def may_cancel(self) -> bool:
        return self.status in (SnipeStatus.SCHEDULED, SnipeStatus.ARMING)


class AttemptOutcome(models.TextChoices):
    """Empty: not known yet."""

    ACCEPTED = "accepted", "eBay took the bid"
    REFUSED = "refused", "eBay refused the bid"
    UNCLEAR = "unclear", "No clear answer came"
    STANDS = "stands", "Its answer is missing, and eBay knows the bid"
    ABSENT = "absent", "Its answer is missing, and eBay knew no such bid"
    NOT_SENT = "not_sent", "It was recorded and certainly not sent"
    PAPER = "paper", "Paper mode: a probe was sent instead"


class SnipeAttempt(models.Model):
    """A bid that was recorded before it was sent. There are two at most, both of the same amount.

    `planned_at` is the moment it was meant for, `sent_at` the return of the last send call, by eBay's clock
    as measured then: `offset_ms` (eBay's minus ours), off by `offset_error_ms` at most.
    """

    ORGANIZATION_LOOKUP = "snipe__account__organization_id"

    snipe = models.ForeignKey(Snipe, on_delete=models.CASCADE, related_name="attempts")
    no = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    owner = models.CharField(max_length=36)
    recorded_at = models.DateTimeField()
    planned_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, choices=AttemptOutcome.choices, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True, help_text="The word for eBay's refusal")
    message = models.CharField(max_length=500, blank=True)
    ebay_bid_id = models.CharField(max_length=100, blank=True)
    correlation_id = models.CharField(max_length=100, blank=True, help_text="What eBay's support asks for")
    lateness_ms = models.FloatField(null=True, help_text="sent_at minus planned_at, to the microsecond")
    latency_ms = models.FloatField(null=True, help_text="answered_at minus sent_at")
    offset_ms = models.FloatField(null=True)
    offset_error_ms = models.FloatField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_snipe_attempts"
        ordering = ["snipe", "no"]
        constraints = [
            # Whoever would bid again fails here.
            models.UniqueConstraint(fields=["snipe", "no"], name="one_attempt_of_a_number"),
            models.CheckConstraint(condition=Q(no__in=[1, 2]), name="no_third_attempt"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.no} of snipe {self.snipe_id}"


class TokenKind(models.TextChoices):
    APPLICATION = "application", "Application token"
    USER = "user", "User token"


class SnipeEvent(models.Model):
    """One line of a snipe's log. `status` is the snipe's after it."""

    ORGANIZATION_LOOKUP = "snipe__account__organization_id"

    snipe = models.ForeignKey(Snipe, on_delete=models.CASCADE, related_name="events")
    created_at = models.DateTimeField(db_default=Now())
    event_type = models.CharField(max_length=40)
    status = models.CharField(max_length=20)
    message = models.TextField(blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    correlation_id = models.CharField(max_length=100, blank=True)
    ebay_bid_id = models.CharField(max_length=100, blank=True)
    endpoint = models.CharField(max_length=60, blank=True)
    token_kind = models.CharField(max_length=20, choices=TokenKind.choices, blank=True)
    detail = models.JSONField(default=dict)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_snipe_logs"
        ordering = ["id"]
        indexes = [
            # Retention deletes by age.
            models.Index(fields=["created_at"], name="snipe_log_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} of snipe {self.snipe_id}"
