"""What a run does besides reading its windows or its list: rechecks, details, summaries."""

from __future__ import annotations

from functools import partial

from django.db.models.functions import Now

from ebayconnector.ebay.errors import BadAnswer, NotFound, Refused, Unavailable
from syncworkers.models import Reason
from syncworkers.registry import Details, Recheck, Summary, Table

from .context import RunContext
from .details import take_details
from .links import take_links
from .pages import count, page_done, store_items
from .parts import read_part
from .rechecks import recheck
from .records import WITHOUT_KEY
from .store import PageResult


def take_steps(context: RunContext, *, most: int | None = None) -> bool:
    """Take the family's steps in their order. False: more is due than `most` calls for details could do."""
    for step in context.worker.steps:
        if isinstance(step, Summary):
            read_part(context, step.part, partial(_summary, context, step))
    return look_again(context, most=most)


def look_again(context: RunContext, *, most: int | None = None) -> bool:
    """What depends on what is stored: what is due to be read again, details, and links."""
    complete = True
    for step in context.worker.steps:
        match step:
            case Recheck():
                recheck(context, step)
            case Details():
                complete &= read_part(context, step.part, partial(take_details, context, step, most=most))
    take_links(context)
    return complete


def _summary(context: RunContext, step: Summary) -> bool:
    context.pause_point()
    try:
        records = step.fetch(context.client)
    except (Unavailable, BadAnswer) as failure:
        if step.part is not None:
            raise
        # What else the family reads does not wait for it.
        context.progress.incomplete(Reason.EBAY_UNAVAILABLE, f"{step.into.title}: {failure}")
        return True
    except (Refused, NotFound) as failure:
        context.progress.incomplete(Reason.EBAY_REFUSED, f"{step.into.title}: {failure}")
        return True
    with context.fenced() as signals:
        result = store_items(context, step.into, records)
        _note_shown(context, step, result)
        counted = count(context, result, fetched=len(records))
    page_done(context, signals, counted)
    return True


def _note_shown(context: RunContext, step: Summary, result: PageResult) -> None:
    """What could not be stored may be stored already: its row was shown too, and none is closed."""
    table, bad = step.into, [bad.key for bad in result.bad]
    if step.closes and not bad:
        _close_others(context, table, result.row_ids)
    if not any(key.startswith(WITHOUT_KEY) for key in bad):
        stored = table.model._default_manager.filter(account_id=context.run.account_id)
        (name,) = table.natural_key
        set_aside = stored.filter(**{f"{name}__in": bad}).values_list("pk", flat=True)
        context.shown[table.key] = {*result.row_ids, *set_aside}


def _close_others(context: RunContext, table: Table, shown: list[int]) -> None:
    rows = table.model._default_manager.filter(account_id=context.run.account_id)
    rows.filter(pk__in=shown, closed_at__isnull=False).update(closed_at=None, changed_at=Now())
    rows.exclude(pk__in=shown).filter(closed_at=None).update(closed_at=Now(), changed_at=Now())
