"""E-mails about notices to the admins of the organisation: each at most once, however many processes send.

A row is claimed before anything is said to the mail server. Where the server did not take the message, it is
tried again later; where nobody can know, it is not: a notice in the console does not get lost.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q
from django.utils import timezone

from ebayconnector.database import fetch_all
from ebayconnector.ebay.masking import mask_text

from .models import MailState, NoticeMail, Role, User
from .notices import Kind

logger = logging.getLogger(__name__)

# A job of django-q2 is killed after two minutes.
BUDGET_S = 60.0
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
# Longer than a job lives: its process is gone, and what it said to the server nobody knows.
_LOST_AFTER = timedelta(minutes=5)
_NAMED = 3


class _NotTaken(Exception):
    """The server certainly did not take the message; the text says why."""


class _Unclear(Exception):
    """The message was being handed over when the connection broke."""


@dataclass(frozen=True)
class Sent:
    """How many messages went out, and how many mails wait after a failure."""

    messages: int
    failed: int


def send_due(*, budget_s: float = BUDGET_S) -> Sent:
    """Send what is due: what waits for one organisation goes out in one message."""
    deadline = time.monotonic() + budget_s
    _settle_the_rest()
    messages = failed = 0
    for organization_id in _organizations_with_mail():
        if time.monotonic() > deadline:
            break
        sent, kept = _send_to(organization_id)
        messages, failed = messages + sent, failed + kept
    return Sent(messages, failed)


def is_due() -> bool:
    """Whether there is something for `send_due` to do."""
    lost = Q(state=MailState.SENDING, claimed_at__lt=timezone.now() - _LOST_AFTER)
    waiting = Q(state=MailState.WAITING, next_attempt_at__lte=timezone.now())
    return NoticeMail.objects.filter(lost | waiting).exists()


def _settle_the_rest() -> None:
    """What healed before it was told needs no e-mail; what a dead process left may have been sent."""
    NoticeMail.objects.filter(state=MailState.WAITING, notice__closed_at__isnull=False).update(
        state=MailState.DROPPED
    )
    NoticeMail.objects.filter(state=MailState.SENDING, claimed_at__lt=timezone.now() - _LOST_AFTER).update(
        state=MailState.UNCLEAR, error="the process that was sending it died"
    )


_DUE = "m.state = 'waiting' AND m.next_attempt_at <= clock_timestamp() AND n.closed_at IS NULL"


def _organizations_with_mail() -> list[int | None]:
    rows = fetch_all(
        "SELECT n.organization_id FROM accounts_noticemail m JOIN accounts_notice n ON n.id = m.notice_id "
        f"WHERE {_DUE} GROUP BY 1 ORDER BY min(m.next_attempt_at)"
    )
    return [row[0] for row in rows]


def _send_to(organization_id: int | None) -> tuple[int, int]:
    mails = _claim(organization_id)
    if not mails:
        return 0, 0
    recipients = _recipients(organization_id)
    try:
        if not recipients:
            whose = "admin of the organisation" if organization_id else "superuser"
            raise _NotTaken(f"no {whose} has an e-mail address")
        _hand_over(_message(mails, recipients))
    except _NotTaken as failure:
        _try_later(mails, str(failure))
        return 0, len(mails)
    except _Unclear as failure:
        _mark(mails, state=MailState.UNCLEAR, error=str(failure), recipients=len(recipients))
        return 0, len(mails)
    _mark(mails, state=MailState.SENT, sent_at=timezone.now(), error="", recipients=len(recipients))
    return 1, 0


def _claim(organization_id: int | None) -> list[NoticeMail]:
    """Take the organisation's due mails; those that somebody else takes at this moment are theirs."""
    rows = fetch_all(
        "UPDATE accounts_noticemail SET state = 'sending', claimed_at = clock_timestamp(), "
        "attempts = attempts + 1 WHERE id IN ("
        "SELECT m.id FROM accounts_noticemail m JOIN accounts_notice n ON n.id = m.notice_id "
        f"WHERE {_DUE} AND n.organization_id IS NOT DISTINCT FROM %s FOR UPDATE OF m SKIP LOCKED) "
        "RETURNING id",
        [organization_id],
    )
    mails = NoticeMail.objects.filter(pk__in=[row[0] for row in rows]).select_related("notice__organization")
    return list(mails.order_by("-notice__urgent", "id"))


def _recipients(organization_id: int | None) -> list[str]:
    if organization_id is None:
        people = User.objects.filter(is_superuser=True)
    else:
        people = User.objects.filter(
            memberships__organization_id=organization_id, memberships__role=Role.ADMIN
        )
    addresses = people.filter(is_active=True).exclude(email="").values_list("email", flat=True)
    return sorted(set(addresses))


def _message(mails: Sequence[NoticeMail], recipients: Sequence[str]) -> EmailMessage:
    # Two stages of one notice may have waited for the server.
    notices = list({mail.notice_id: mail.notice for mail in mails}.values())
    titles = [notice.title for notice in notices]
    more = len(titles) - _NAMED
    subject = titles[0] if len(titles) == 1 else f"{len(titles)} notices: {', '.join(titles[:_NAMED])}"
    parts = [
        f"{notice.title}\n{Kind(notice.kind).label}\n\n{notice.text}\n\n{settings.PUBLIC_URL}{notice.path}"
        for notice in notices
    ]
    owner = notices[0].organization
    why = f"an admin of {owner.name}" if owner else "a superuser"
    foot = (
        f"You get this because you are {why}. It is told once; a notice closes by itself when its cause is "
        "gone."
    )
    return EmailMessage(
        # A line break in a subject would be a header of its own.
        subject=" ".join(f"[eBay connector] {subject}{' …' if more > 0 else ''}".split()),
        body="\n\n----\n\n".join(parts) + f"\n\n-- \n{foot}\n",
        to=list(recipients),
    )


def _hand_over(message: EmailMessage) -> None:
    """Raises _NotTaken when the server surely has no message of ours, _Unclear when nobody knows."""
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as failure:
        raise _NotTaken(_words(failure)) from failure
    try:
        connection.send_messages([message])
    # A ValueError: an address that cannot be one; nothing was said to the server yet.
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, ValueError) as failure:
        raise _NotTaken(_words(failure)) from failure
    except (OSError, smtplib.SMTPException) as failure:
        raise _Unclear(_words(failure)) from failure
    finally:
        _close(connection)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException) as failure:
        # The message is out or not by now; saying good-bye changes nothing.
        logger.info("the mail server did not say good-bye: %s", _words(failure))


def _words(failure: Exception) -> str:
    return mask_text(f"{type(failure).__name__}: {failure}")[:500]


def _try_later(mails: Sequence[NoticeMail], error: str) -> None:
    logger.error("notices cannot be sent by e-mail: %s", error)
    for mail in mails:
        pause = min(_FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), _LONGEST_PAUSE)
        _mark([mail], state=MailState.WAITING, error=error, next_attempt_at=timezone.now() + pause)


def _mark(mails: Sequence[NoticeMail], **values: object) -> None:
    NoticeMail.objects.filter(pk__in=[mail.pk for mail in mails]).update(**values)


def undelivered() -> list[NoticeMail]:
    """Mails of open notices that failed and wait for their next attempt, oldest first."""
    failed = NoticeMail.objects.filter(state=MailState.WAITING, attempts__gt=0, notice__closed_at=None)
    return list(failed.select_related("notice").order_by(F("created_at")))
