"""django-q2 jobs of this app."""

from __future__ import annotations

from .notice_mail import send_due


def send_notice_mails() -> tuple[int, int]:
    """Messages sent, and mails that wait for another attempt. Runs in `tokens`: a mail server may be slow."""
    sent = send_due()
    return sent.messages, sent.failed
