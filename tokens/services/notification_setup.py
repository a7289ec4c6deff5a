"""Telling eBay where to send notifications, and which: alert e-mail, destination, subscriptions (03 §10)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models.functions import Now

from ebayconnector.ebay import notification as ebay
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.errors import EbayError
from tokens.models import InboundNotification, InboxStatus, NotificationSetup
from tokens.wire import ApplicationNotConfigured

from .clients import application_client_for
from .refresh import TokenUnavailable

logger = logging.getLogger(__name__)

NAME = "ebayconnector"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,80}", re.ASCII)
_SCHEMA_VERSION = "1.0"

# What a person can do about eBay's refusals (03 §10).
_ADVICE = {
    "195003": "set the alert e-mail: --email",
    "195011": "the keyset may not subscribe to this topic: ask eBay's developer support",
    "195017": "eBay wants a public https address in EBAY_NOTIFICATION_ENDPOINT: no localhost, no internal IP",
    "195019": "EBAY_NOTIFICATION_VERIFICATION_TOKEN must have 32 to 80 of A-Z a-z 0-9 _ -",
    "195020": "eBay asked EBAY_NOTIFICATION_ENDPOINT and did not get the right answer: is the web process "
    "reachable from outside at exactly this address, and does it run with this verification token?",
    "195021": "another destination of the keyset has this address: remove it on eBay's page Alerts & "
    "Notifications",
    "195025": "the alert e-mail is not a valid address: --email",
}


class SetupFailed(Exception):
    """eBay does not send to us yet; the text says why and what to do."""


@dataclass
class SetUp:
    """`done`: what was changed, in words; empty when everything was right already."""

    endpoint: str
    destination_id: str = ""
    subscriptions: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)


def problem_with_settings() -> str:
    """Why the settings cannot be used; '' when they can."""
    if not settings.EBAY_NOTIFICATION_ENDPOINT or not settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN:
        return "EBAY_NOTIFICATION_ENDPOINT and EBAY_NOTIFICATION_VERIFICATION_TOKEN are not set"
    if not _TOKEN.fullmatch(settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN):
        return _ADVICE["195019"]
    return ""


def set_up_notifications(environment: str, *, topics: Sequence[str], email: str = "") -> SetUp:
    """Make eBay send `topics` to our endpoint; safe to repeat, changes only what differs.

    `email` is whom eBay tells when it cannot deliver; without it the one that eBay has stays, or becomes
    DEFAULT_FROM_EMAIL. eBay calls our endpoint meanwhile. Raises SetupFailed, also when the settings are
    missing.
    """
    problem = problem_with_settings()
    if problem:
        raise SetupFailed(problem)
    client = application_client_for(environment, source="notifications")
    result = SetUp(settings.EBAY_NOTIFICATION_ENDPOINT)
    try:
        _set_email(client, email, result)
        _set_destination(client, result)
        for topic in topics:
            _subscribe(client, topic, result)
    except (EbayError, TokenUnavailable, ApplicationNotConfigured) as failure:
        explained = _explained(failure)
        _keep(environment, result, error=explained)
        raise SetupFailed(explained) from failure
    _keep(environment, result)
    return result


def _explained(failure: Exception) -> str:
    ids = [error.error_id for error in failure.errors] if isinstance(failure, EbayError) else []
    advice = next((_ADVICE[error_id] for error_id in ids if error_id in _ADVICE), "")
    return f"{failure}; {advice}" if advice else str(failure)


def _set_email(client: EbayClient, email: str, result: SetUp) -> None:
    known = ebay.alert_email(client)
    wanted = email or known or settings.DEFAULT_FROM_EMAIL
    if wanted != known:
        ebay.set_alert_email(client, wanted)
        result.done.append(f"alert e-mail: {wanted}")


def _set_destination(client: EbayClient, result: SetUp) -> None:
    """Ours is the one with our address; else the one with our name, whose address has changed."""
    known = ebay.destinations(client)
    by_address = [one for one in known if one.endpoint == result.endpoint]
    ours = next(iter(by_address or [one for one in known if one.name == NAME]), None)
    wanted = {
        "name": NAME,
        "endpoint": result.endpoint,
        "verification_token": settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN,
    }
    if ours is None:
        result.destination_id = ebay.create_destination(client, **wanted)
        result.done.append(f"destination made: {result.endpoint}")
        return
    result.destination_id = ours.destination_id
    has = {"name": ours.name, "endpoint": ours.endpoint, "verification_token": ours.verification_token}
    if has != wanted or ours.status != ebay.ENABLED:
        ebay.update_destination(client, ours.destination_id, **wanted)
        result.done.append(f"destination renewed (it was {ours.status}): {result.endpoint}")


def _subscribe(client: EbayClient, topic: str, result: SetUp) -> None:
    known = next((one for one in ebay.subscriptions(client) if one.topic_id == topic), None)
    wanted = {"destination_id": result.destination_id, "schema_version": _schema_version(client, topic)}
    if known is None:
        result.subscriptions[topic] = ebay.create_subscription(client, topic_id=topic, **wanted)
        result.done.append(f"subscribed to {topic}")
        return
    result.subscriptions[topic] = known.subscription_id
    if known.status != ebay.ENABLED or known.destination_id != result.destination_id:
        ebay.update_subscription(client, known.subscription_id, **wanted)
        result.done.append(f"subscription to {topic} renewed (it was {known.status})")


def _schema_version(client: EbayClient, topic: str) -> str:
    """The newest that eBay offers for the topic."""
    offered = next((one for one in ebay.topics(client) if one.topic_id == topic), None)
    if offered is None:
        raise SetupFailed(f"eBay does not offer the topic {topic} to this keyset")
    return max(offered.schema_versions, default=_SCHEMA_VERSION)


def _keep(environment: str, result: SetUp, *, error: str = "") -> None:
    values: dict[str, object] = {
        "endpoint": result.endpoint[:500],
        "destination_id": result.destination_id,
        "subscriptions": result.subscriptions,
        "checked_at": Now(),
        "error": error,
    }
    if not error:
        values["set_up_at"] = Now()
    NotificationSetup.objects.update_or_create(environment=environment, defaults=values)


def ask_for_test(environment: str) -> int:
    """Let eBay send a test of each subscription; how many. It arrives by itself, seconds later."""
    row = NotificationSetup.objects.filter(environment=environment).first()
    if row is None or not row.subscriptions:
        raise SetupFailed("nothing is set up yet: run manage.py setup_notifications")
    client = application_client_for(environment, source="notifications")
    try:
        for subscription_id in row.subscriptions.values():
            ebay.ask_for_test(client, subscription_id)
    except (EbayError, TokenUnavailable, ApplicationNotConfigured) as failure:
        raise SetupFailed(_explained(failure)) from failure
    NotificationSetup.objects.filter(pk=row.pk).update(test_asked_at=Now())
    return len(row.subscriptions)


# -- How it stands ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetupState:
    """`level`: ok, warning or problem; `advice`: what to do, '' when there is nothing to do."""

    level: str
    detail: str
    advice: str = ""


def setup_states(environments: Sequence[str]) -> Iterator[SetupState]:
    """Whether eBay can tell us of deleted accounts: else a production keyset stays disabled (03 §10.3)."""
    problem = problem_with_settings()
    if problem:
        level = "problem" if "production" in environments else "warning"
        yield SetupState(level, problem, "see .env.example; then manage.py setup_notifications")
        return
    for environment in environments:
        yield _state_of(environment)
    failed = InboundNotification.objects.filter(status=InboxStatus.FAILED).count()
    if failed:
        yield SetupState("problem", f"{failed} could not be worked on", "see From eBay in the console")


def _state_of(environment: str) -> SetupState:
    advice = f"manage.py setup_notifications --environment {environment}"
    row = NotificationSetup.objects.filter(environment=environment).first()
    if row is None or row.set_up_at is None:
        why = row.error if row and row.error else "nobody has set it up"
        return SetupState("warning", f"{environment}: eBay does not know where to send: {why}", advice)
    if row.endpoint != settings.EBAY_NOTIFICATION_ENDPOINT:
        return SetupState("problem", f"{environment}: eBay sends to {row.endpoint}", advice)
    if row.error:
        return SetupState("problem", f"{environment}: {row.error}", advice)
    return SetupState("ok", f"{environment}: {', '.join(row.subscriptions)}")


# -- As jobs ---------------------------------------------------------------------------------------------


def set_up_and_tell(environment: str, *, topics: Sequence[str]) -> str:
    """In words; a failure stands on the environment's row."""
    try:
        result = set_up_notifications(environment, topics=topics)
    except SetupFailed as failure:
        _keep(environment, SetUp(settings.EBAY_NOTIFICATION_ENDPOINT), error=str(failure))
        logger.error("notifications of %s were not set up: %s", environment, failure)
        return str(failure)
    return "; ".join(result.done) or "everything was right already"


def ask_for_test_and_tell(environment: str) -> str:
    try:
        return f"eBay will send {ask_for_test(environment)} tests"
    except SetupFailed as failure:
        NotificationSetup.objects.filter(environment=environment).update(error=str(failure))
        logger.error("no test notification of %s: %s", environment, failure)
        return str(failure)
