"""How the console says things: times and lengths in words, statuses as a dot with a word, JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

# Colour never stands alone: each tone comes with a word.
TONES = {
    "healthy": "green", "completed": "green", "ok": "green",
    "expiring_soon": "amber", "expired": "amber", "unknown": "amber", "partial": "amber",
    "needs_reconnect": "red", "error": "red", "abandoned": "red",
    "queued": "blue", "running": "blue",
}  # fmt: skip


def tone_of(word: str) -> str:
    """The colour of a status; grey for those that are neither good nor bad."""
    return TONES.get(word, "grey")


def badge(word: str, tone: str | None = None, *, title: str = "") -> SafeString:
    """A dot and a word: `needs_reconnect` is shown as "Needs reconnect"."""
    text = word.replace("_", " ")
    return format_html(
        '<span class="ec-badge ec-{}" title="{}"><span class="ec-dot" aria-hidden="true"></span>{}</span>',
        tone or tone_of(word), title, text[:1].upper() + text[1:],
    )  # fmt: skip


def length(span: timedelta | None) -> str:
    """`850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 days`; '' for None."""
    if span is None:
        return ""
    seconds = abs(span.total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"
    return f"{hours // 24} days"


def from_now(moment: datetime | None, *, now: datetime | None = None) -> str:
    """`12 s ago`, `in 3 min`, `now`; `never` for None."""
    if moment is None:
        return "never"
    span = moment - (now or timezone.now())
    if abs(span) < timedelta(seconds=2):
        return "now"
    if abs(span) > timedelta(minutes=1):
        # Seconds of an age only make the words restless.
        span = timedelta(minutes=round(span / timedelta(minutes=1)))
    return f"in {length(span)}" if span > timedelta(0) else f"{length(span)} ago"


def clock(moment: datetime | None) -> str:
    """`14:02:33` for today, else `3 Aug 14:02`, with the year when it is another one. UTC."""
    if moment is None:
        return ""
    now = timezone.now()
    if moment.date() == now.date():
        return f"{moment:%H:%M:%S}"
    return (
        f"{moment.day} {moment:%b %H:%M}" if moment.year == now.year else f"{moment.day} {moment:%b %Y %H:%M}"
    )


def when(moment: datetime | None) -> SafeString:
    """A `<time>` in words, with the exact time as its title."""
    if moment is None:
        return format_html("<span>{}</span>", "never")
    exactly = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exactly, from_now(moment)
    )


def pretty_json(value: Any) -> SafeString:
    """Indented and escaped: what buyers wrote must never become markup."""
    return format_html('<pre class="ec-json">{}</pre>', json_text(value))


def json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
