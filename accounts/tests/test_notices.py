"""Notices: one open notice per cause, closed when it is gone, one e-mail each."""

from __future__ import annotations

import smtplib
import socket
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connections, transaction
from django.db.models import F
from django.utils import timezone

from accounts import notice_mail, notices
from accounts.models import MailState, Notice, NoticeMail
from accounts.notices import Cause, Kind, clock, settle
from ebayconnector import env
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db

KIND = Kind.NEEDS_RECONNECT


@pytest.fixture
def organization():
    organization = OrganizationFactory(name="Alpha")
    MembershipFactory(organization=organization, user=UserFactory(username="ada", email="ada@example.com"))
    return organization


def cause(organization, subject: str = "account:1", **values) -> Cause:
    told = {"title": f"{subject} must be reconnected", "text": "Press Reconnect.", "path": "/admin/"}
    return Cause(KIND, organization.pk if organization else None, subject, **(told | values))


def found(*causes: Cause, kinds=(KIND,)):
    return settle(kinds, causes, since=clock())


def test_a_cause_has_one_open_notice_however_often_it_is_found(organization):
    assert found(cause(organization)).opened == 1
    again = found(cause(organization), cause(organization, "account:2"))
    assert (again.opened, again.closed) == (1, 0)
    assert Notice.objects.filter(closed_at=None).count() == 2


def test_the_database_refuses_a_second_open_one(organization):
    for owner in (organization, None):
        found(cause(owner))
        row = Notice.objects.values("organization_id", "kind", "subject_key").get(organization=owner)
        with pytest.raises(IntegrityError, match="one_open_notice"), transaction.atomic():
            Notice.objects.create(**row, title="x", text="x", opened_at=timezone.now(), changed_at=clock())
        found()


def test_new_words_change_the_notice_and_send_nothing_more(organization):
    found(cause(organization))
    assert found(cause(organization)).reworded == 0
    assert found(cause(organization, text="Other words.")).reworded == 1
    assert (Notice.objects.get().text, NoticeMail.objects.count()) == ("Other words.", 1)


def test_what_has_healed_closes_by_itself_and_only_its_kinds(organization):
    found(cause(organization), cause(organization, "account:2"))
    assert found(kinds=(Kind.QUOTA,)).closed == 0
    assert found(cause(organization, "account:2")).closed == 1
    assert Notice.objects.get(closed_at=None).subject_key == "account:2"


def test_what_happened_while_a_check_looked_is_newer_than_what_it_saw(organization):
    before = clock()
    found(cause(organization))
    assert settle([KIND], [], since=before).closed == 0
    found()
    assert settle([KIND], [cause(organization)], since=before).opened == 0
    assert found(cause(organization)).opened == 1


def send() -> list[str]:
    """The subjects of what one job sends."""
    before = len(mail.outbox)
    notice_mail.send_due()
    return [message.subject for message in mail.outbox[before:]]


def test_a_notice_is_one_email_to_the_admins_of_its_organisation(organization):
    for role, active in (("operator", True), ("admin", False)):
        user = UserFactory(is_active=active)
        MembershipFactory(organization=organization, user=user, role=role)
    MembershipFactory()
    for _ in range(3):
        found(cause(organization, title="Warehouse-A must\nbe reconnected", path="/admin/x/"))
    assert send() == ["[eBay connector] Warehouse-A must be reconnected"]
    assert send() == []
    (message,) = mail.outbox
    assert message.to == ["ada@example.com"]
    assert "http://127.0.0.1:8000/admin/x/" in message.body
    assert NoticeMail.objects.get().state == MailState.SENT


def test_each_threshold_is_an_email_and_a_step_back_is_none(organization):
    for stage in (2, 2, 1, 2, 3, 3):
        found(cause(organization, stage=stage, title=f"stage {stage}"))
        send()
    assert [message.subject[-7:] for message in mail.outbox] == ["stage 2", "stage 3"]


def test_two_thresholds_crossed_before_the_first_letter_are_one_letter(organization):
    for stage in (1, 2):
        found(cause(organization, stage=stage, title=f"stage {stage}"))
    assert send() == ["[eBay connector] stage 2"]
    assert mail.outbox[0].body.count("stage 2") == 1


def test_what_opens_together_comes_in_one_message(organization):
    found(*(cause(organization, f"account:{n}", title=f"House {n}") for n in range(5)))
    assert send() == ["[eBay connector] 5 notices: House 0, House 1, House 2 …"]
    assert all(f"House {n}" in mail.outbox[0].body for n in range(5))
    assert NoticeMail.objects.filter(state=MailState.SENT).count() == 5


def test_what_healed_before_it_was_told_sends_nothing(organization):
    found(cause(organization))
    found()
    assert (send(), NoticeMail.objects.get().state) == ([], MailState.DROPPED)


def test_what_may_pass_is_told_only_when_it_stays(organization):
    found(cause(organization, patience_s=600))
    assert send() == []
    NoticeMail.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(minutes=11))
    assert len(send()) == 1


def test_a_cause_that_comes_and_goes_is_told_of_once_an_hour(organization):
    for _ in range(3):
        found(cause(organization))
        send()
        found()
    assert (Notice.objects.count(), len(mail.outbox)) == (3, 1)
    NoticeMail.objects.update(sent_at=F("sent_at") - notices.QUIET)
    found(cause(organization))
    assert len(send()) == 1


def test_the_installations_notices_go_to_superusers():
    UserFactory(is_superuser=True, email="root@example.com")
    MembershipFactory()
    found(cause(None))
    send()
    assert mail.outbox[0].to == ["root@example.com"]


def test_without_an_address_it_waits_and_says_so(organization):
    organization.memberships.all().delete()
    found(cause(organization))
    assert send() == []
    (waiting,) = notice_mail.undelivered()
    assert "no admin of the organisation has an e-mail address" in waiting.error
    assert waiting.next_attempt_at > timezone.now()


class _Server:
    """Django's mail backend whose server fails at one step."""

    def __init__(self, step: str, failure: Exception) -> None:
        self.step, self.failure = step, failure

    def _at(self, step: str) -> None:
        if step == self.step:
            raise self.failure

    def open(self) -> None:
        self._at("open")

    def send_messages(self, messages) -> None:
        self._at("send")

    def close(self) -> None:
        self._at("close")


@pytest.mark.parametrize(
    ("step", "failure", "state"),
    [
        ("open", ConnectionRefusedError("refused"), MailState.WAITING),
        ("open", smtplib.SMTPAuthenticationError(535, b"no"), MailState.WAITING),
        ("send", smtplib.SMTPDataError(451, b"try later"), MailState.WAITING),
        ("send", ValueError("not an address"), MailState.WAITING),
        ("send", smtplib.SMTPServerDisconnected("gone"), MailState.UNCLEAR),
        ("send", TimeoutError("slow"), MailState.UNCLEAR),
        ("close", smtplib.SMTPServerDisconnected("gone"), MailState.SENT),
    ],
)
def test_only_what_the_server_surely_did_not_take_is_tried_again(
    organization, monkeypatch, step, failure, state
):
    found(cause(organization))
    with monkeypatch.context() as patch:
        patch.setattr(notice_mail, "get_connection", lambda: _Server(step, failure))
        notice_mail.send_due()
        row = NoticeMail.objects.get()
        assert (row.state, row.attempts) == (state, 1)
        assert bool(row.error) == (state != MailState.SENT)
    NoticeMail.objects.update(next_attempt_at=timezone.now())
    assert len(send()) == (state == MailState.WAITING)


def test_pauses_between_attempts_grow_to_an_hour(organization, monkeypatch):
    found(cause(organization))
    monkeypatch.setattr(notice_mail, "get_connection", lambda: _Server("open", OSError("away")))
    pauses = []
    for _ in range(9):
        NoticeMail.objects.update(next_attempt_at=timezone.now())
        notice_mail.send_due()
        pauses.append(
            round((NoticeMail.objects.get().next_attempt_at - timezone.now()) / timedelta(minutes=1))
        )
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_sender_that_died_may_have_sent_it(organization):
    found(cause(organization))
    (claimed,) = notice_mail._claim(organization.pk)
    assert send() == []
    NoticeMail.objects.filter(pk=claimed.pk).update(claimed_at=timezone.now() - timedelta(minutes=6))
    assert notice_mail.is_due()
    assert (send(), NoticeMail.objects.get().state) == ([], MailState.UNCLEAR)


@pytest.mark.django_db(transaction=True)
def test_many_finders_and_senders_at_once_make_one_notice_and_one_email(organization):
    causes = [cause(organization, f"account:{n}") for n in range(8)]
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait(30)
        # Each finds them in an order of its own.
        found(*causes[number:], *causes[:number])
        notice_mail.send_due()
        connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Notice.objects.count() == NoticeMail.objects.count() == 8
    assert "".join(message.body for message in mail.outbox).count("Press Reconnect.") == 8
    assert not NoticeMail.objects.exclude(state=MailState.SENT).exists()


@pytest.mark.django_db(transaction=True)
def test_a_sender_waits_for_nobody_who_takes_the_same_mails(organization):
    """One frozen in the middle of its claim holds back neither the others nor the cluster's worker."""
    found(cause(organization))
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM accounts_noticemail FOR UPDATE")
            assert (notice_mail._claim(organization.pk), send()) == ([], [])
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert len(send()) == 1


def test_a_mail_server_that_is_down_is_tried_again(organization, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = closed.getsockname()[1]
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    found(cause(organization))
    assert notice_mail.send_due().failed == 1
    (waiting,) = notice_mail.undelivered()
    assert "ConnectionRefusedError" in waiting.error


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp+tls://u%40x:p%2Fw@mail.example", ("smtp", "mail.example", 587, "u@x", "p/w", True, False)),
        ("smtp+ssl://mail.example:4465", ("smtp", "mail.example", 4465, "", "", False, True)),
        ("smtp://mail.example", ("smtp", "mail.example", 25, "", "", False, False)),
        ("", ("console", "", 25, "", "", False, False)),
    ],
)
def test_the_mail_server_is_one_address(monkeypatch, url, expected):
    monkeypatch.setenv("EMAIL_URL", url)
    read = env.email("EMAIL_URL", "consolemail://")
    kind = read.backend.split(".")[-2]
    assert (kind, read.host, read.port, read.user, read.password, read.tls, read.ssl) == expected
    assert "p/w" not in repr(read)


@pytest.mark.parametrize("url", ["mail.example", "smtp://", "pop://secret@h", "smtp://h:x"])
def test_a_mail_address_that_cannot_be_is_refused_without_its_value(monkeypatch, url):
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must read") as refused:
        env.email("EMAIL_URL", "consolemail://")
    assert "secret" not in str(refused.value)
