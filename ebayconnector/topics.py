"""What eBay notifies us of and what is done then; where the personal data is that a user may want erased.

Dotted paths, so that the app that receives needs to know none of those that work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import MappingProxyType

from django.utils.module_loading import import_string
from django_q.tasks import async_task

from tokens import people
from tokens.models import InboundNotification
from tokens.services import inbox, inbox_work, notification_setup
from tokens.services.inbox_work import Done, Handler

ACCOUNT_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
AUTHORIZATION_REVOCATION = "AUTHORIZATION_REVOCATION"

# Topic → what is done; these are subscribed to. Others are kept as `ignored`.
TOPICS = MappingProxyType(
    {
        ACCOUNT_DELETION: "ebayconnector.topics.forget_user",
        AUTHORIZATION_REVOCATION: "tokens.services.forget.revoke_consents",
    }
)

# Each takes (environment, hashes of the user) and returns rows by organisation and table; it may be repeated.
# Rows are found by what `tokens.people.remember` noted when they were written. Accounts come last: their rows
# go with them.
ERASERS = (
    "syncworkers.services.forget.erase_people",
    "tokens.services.forget.erase_exchanges",
    "sniper.services.forget.erase_sellers",
    "tokens.services.forget.erase_accounts",
)

_MOST_RISEN = 100


def work_inbox() -> int:
    """The job behind a ticket: everything that waits in the inbox; how many notifications it were."""
    handlers: dict[str, Handler] = {topic: import_string(path) for topic, path in TOPICS.items()}
    return inbox_work.work(handlers, deletion=ACCOUNT_DELETION)


def forget_user(notification: InboundNotification) -> Done:
    """MARKETPLACE_ACCOUNT_DELETION: the user's personal data goes wherever it is."""
    done: Done = Counter()
    for path in ERASERS:
        erase: Callable[[str, list[bytes]], Done] = import_string(path)
        done += erase(notification.environment, notification.persons)
    return done


def look_after_inbox() -> bool:
    """The schedule's: a ticket for what lost its own, and a job for rows that were written too late."""
    if inbox_work.is_waiting():
        inbox.leave_ticket()
    is_needed = bool(people.risen(most=1))
    if is_needed:
        async_task("ebayconnector.topics.forget_risen", cluster="tokens", task_name="forget_risen")
    return is_needed


def forget_risen() -> dict[str, int]:
    """Erase rows whose page was being written while their person's notification was worked on."""
    persons = people.risen(most=_MOST_RISEN)
    people.keep_buried(persons)
    done: Done = Counter()
    for path in ERASERS[:-1]:
        done += import_string(path)("", persons)
    return inbox_work.summary(done)


def set_up_notifications(environment: str) -> str:
    """What the command does, as a job; returns what came of it in words."""
    return notification_setup.set_up_and_tell(environment, topics=tuple(TOPICS))


def ask_for_test(environment: str) -> str:
    return notification_setup.ask_for_test_and_tell(environment)
