"""Parts of a worker that read another API than its own: each is held back by itself, the rest goes on."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from ebayconnector.ebay.errors import (
    AccountLimited,
    BadAnswer,
    EbayError,
    RateLimited,
    ScopeMissing,
    Unavailable,
)
from syncworkers import selectors
from syncworkers.models import Reason, SyncState
from syncworkers.registry import Part
from tokens.allowances import QuotaExhausted
from tokens.services.pauses import pause_api

from . import runlog
from .context import RunContext


def read_part(context: RunContext, part: Part | None, read: Callable[[], bool]) -> bool:
    """Do `read`, unless its part is held back. True as well when it is held back or eBay holds it back now.

    A scope that was not granted leaves the run complete: nobody set out to read what may not be read. A
    pause, the quota or an outage makes it `partial`.
    """
    if part is None:
        return read()
    if part.key in context.progress.parts_held_back:
        return True
    held = selectors.held_part(context.run.account, context.state, part)
    if held is not None:
        _note(context, held)
        return True
    try:
        done = read()
    except (RateLimited, AccountLimited) as failure:
        pause_api(context.run.account, failure.api or part.api, failure)
        _note(context, selectors.HeldPart(part, Reason.PAUSED), failure)
    except (Unavailable, BadAnswer) as failure:
        _note(context, selectors.HeldPart(part, Reason.EBAY_UNAVAILABLE), failure)
    except QuotaExhausted as failure:
        _note(context, selectors.HeldPart(part, Reason.QUOTA), failure)
    except ScopeMissing as failure:
        _remember_refusal(context, part, refused=True)
        _note(context, selectors.HeldPart(part, Reason.MISSING_SCOPE), failure)
    else:
        _remember_refusal(context, part, refused=False)
        return done
    return True


def _note(context: RunContext, held: selectors.HeldPart, failure: EbayError | None = None) -> None:
    text = f"{held.text} ({failure})" if failure else held.text
    context.progress.parts_held_back.add(held.part.key)
    if held.reason != Reason.MISSING_SCOPE:
        context.progress.incomplete(held.reason, text)
    with context.fenced():
        runlog.write(context.run, "part_held_back", text, level="warning")


def _remember_refusal(context: RunContext, part: Part, *, refused: bool) -> None:
    """eBay's word against the consent's: kept until a new consent, and doubted once a day."""
    known = dict(context.state.refused_parts or {})
    if refused:
        known[part.key] = timezone.now().isoformat()
    elif known.pop(part.key, None) is None:
        return
    context.state.refused_parts = known or None
    with context.fenced():
        SyncState.objects.filter(pk=context.state.pk).update(refused_parts=known or None)
