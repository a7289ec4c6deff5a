"""What the Notification API knows: alert e-mail, destinations, subscriptions, topics, deliveries."""

import uuid
from dataclasses import dataclass, field

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.notice_keys import NoticeKeys
from ebayconnector.simulator.times import iso

DELETION = "MARKETPLACE_ACCOUNT_DELETION"
REVOCATION = "AUTHORIZATION_REVOCATION"
SCHEMA_VERSION = "1.0"
MOST_RETRIES = 3

# Topic → scope, and the scope of a user's token that it needs besides (03 §10.4).
TOPICS: dict[str, str] = {
    REVOCATION: "APPLICATION",
    "ITEM_AVAILABILITY": "USER",
    "ITEM_PRICE_REVISION": "USER",
    DELETION: "APPLICATION",
    "PLA_CAMPAIGN_BUDGET_STATUS": "USER",
    "PRIORITY_LISTING_REVISION": "APPLICATION",
    "SELLER_CUSTOMER_SERVICE_METRIC_RATING": "USER",
    "SELLER_STANDARDS_PROFILE_METRICS": "USER",
}


@dataclass(slots=True)
class Destination:
    destination_id: str
    client_id: str
    name: str
    status: str
    endpoint: str
    verification_token: str

    def as_json(self) -> JsonObject:
        delivery = {"endpoint": self.endpoint, "verificationToken": self.verification_token}
        return {
            "destinationId": self.destination_id,
            "name": self.name,
            "status": self.status,
            "deliveryConfig": delivery,
        }


@dataclass(slots=True)
class Subscription:
    subscription_id: str
    client_id: str
    topic_id: str
    status: str
    destination_id: str
    payload: JsonObject
    created_ms: int

    def as_json(self) -> JsonObject:
        return {
            "subscriptionId": self.subscription_id,
            "topicId": self.topic_id,
            "status": self.status,
            "creationDate": iso(self.created_ms),
            "payload": self.payload,
            "destinationId": self.destination_id,
        }


@dataclass(slots=True)
class Delivery:
    """One notice to one address: the status of each attempt, None where there was no answer."""

    notification_id: str
    topic: str
    endpoint: str
    statuses: list[int | None] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        return {
            "notificationId": self.notification_id,
            "topic": self.topic,
            "endpoint": self.endpoint,
            "statuses": self.statuses,
        }


@dataclass(slots=True)
class NoticeBook:
    """`refuse_local`: as the real one, take no http and no address of this machine or an internal network.

    `retry_s`: seconds before a notice that was not taken is sent again, at most three times.
    """

    refuse_local: bool = False
    retry_s: float = 1.0
    alert_emails: dict[str, str] = field(default_factory=dict)  # by client id
    destinations: dict[str, Destination] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    keys: NoticeKeys = field(default_factory=NoticeKeys)

    def destinations_of(self, client_id: str) -> list[Destination]:
        return [one for one in self.destinations.values() if one.client_id == client_id]

    def subscriptions_of(self, client_id: str) -> list[Subscription]:
        return [one for one in self.subscriptions.values() if one.client_id == client_id]

    def addresses(self, topic: str) -> list[str]:
        """Where a notice of this topic goes now."""
        subscribed = [
            self.destinations[one.destination_id]
            for one in self.subscriptions.values()
            if one.topic_id == topic and one.status == "ENABLED"
        ]
        return [destination.endpoint for destination in subscribed if destination.status == "ENABLED"]


def new_id() -> str:
    return str(uuid.uuid4())
