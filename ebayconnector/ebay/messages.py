"""A user's letters: GetMyMessages (03 §3.5).

Nothing here marks a message as read. eBay gives no total and no change time, and no order beside the item.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_MY_MESSAGES, GET_MY_MESSAGES_SUMMARY
from .errors import Refused
from .paging import Page
from .timefmt import ebay_time
from .trading import read_whole
from .trading_lists import is_beyond_end

INBOX, SENT = "0", "1"

_LARGEST_PAGE = 200
_MOST_BODIES = 10
# A window that readers cut no further is read page by page; no mailbox gets so much in a second.
_SHORTEST = timedelta(seconds=1)
_MOST_PAGES = 50
# Of what an overfull window says of itself: too many for one slice, whatever the page.
_TOO_MANY_PAGES = 20
_FOLDERS_FOR_S = 3600.0
# "Invalid message id": an id of nobody, or no longer (unverified).
_NO_MESSAGE = frozenset({"20118"})

# What is older is not read again soon: a run asks itself which folders there are.
_OLD = timedelta(days=1)

# When they were asked for, and by which run.
_known_folders: dict[tuple[str, int], tuple[float, int | None, tuple[str, ...]]] = {}


def message_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The headers of what came and went in the window, both ends included, of all folders, as one page.

    eBay does not say how many there are: a folder that fills its page (`limit`, at most 200) may hold more.
    The page then has `has_next` and a `total` of 20 such pages, for its reader to ask for smaller windows;
    of a window of a second or less all pages are read. Otherwise `total` counts the page's own messages, each
    once. Records carry their `Folder`. Costs a call for the inbox, for the sent ones, and for each folder of
    the user's own, which are asked for once an hour, and for old windows once a run. `overlap` is of no use
    here. Times must be aware.
    """
    mail = _Mail(client, modified_from, modified_to, limit)
    is_old = modified_to < client.ebay_now() - _OLD
    folders = (INBOX, SENT, *custom_folders(client, in_this_run=is_old))
    if any(mail.read_folder(folder) for folder in folders):
        yield mail.page(total=_TOO_MANY_PAGES * limit, has_next=True)
    else:
        yield mail.page(total=len(mail.found), has_next=False)


def message_bodies(client: EbayClient, message_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The messages with `Text` (HTML, as eBay has it) and `Content`; at most ten ids, else ValueError.

    Messages that are no longer there are left out; where eBay says so of several together, `Refused`: one by
    one it tells which. `BadAnswer` when it gives only some of them for another reason.
    """
    if len(message_ids) > _MOST_BODIES:
        raise ValueError(f"eBay gives at most {_MOST_BODIES} messages at once")
    if not message_ids:
        return []
    ids = "".join(f"<MessageID>{escape(each)}</MessageID>" for each in message_ids)
    body = f"<DetailLevel>ReturnMessages</DetailLevel><MessageIDs>{ids}</MessageIDs>"
    try:
        return read_whole(client, GET_MY_MESSAGES, body.encode(), but=_NO_MESSAGE).records
    except Refused as refused:
        is_gone = bool(refused.errors) and _NO_MESSAGE.issuperset(each.error_id for each in refused.errors)
        if not is_gone or len(message_ids) > 1:
            raise
        return []


def custom_folders(client: EbayClient, *, in_this_run: bool = False) -> tuple[str, ...]:
    """The folders that the user made, which hold what was moved there; asked for once an hour and account.
    `in_this_run`: and by the client's run itself."""
    key = (client.environment.name, client.caller.account_id or 0)
    asked_at, run_id, folders = _known_folders.get(key, (None, None, ()))
    now = time.monotonic()
    is_of_another = in_this_run and run_id != client.caller.run_id
    if asked_at is None or now - asked_at > _FOLDERS_FOR_S or is_of_another:
        folders = _ask_folders(client)
        _known_folders[key] = (now, client.caller.run_id, folders)
    return folders


def forget_folders() -> None:
    """Ask for the folders anew."""
    _known_folders.clear()


def _ask_folders(client: EbayClient) -> tuple[str, ...]:
    answer = read_whole(client, GET_MY_MESSAGES_SUMMARY, b"<DetailLevel>ReturnSummary</DetailLevel>")
    found = (node.text or "" for node in answer.xml().iterfind("Summary/FolderSummary/FolderID"))
    return tuple(dict.fromkeys(name for name in map(str.strip, found) if name not in ("", INBOX, SENT)))


@dataclass
class _Mail:
    """What was found in a window so far, by message."""

    client: EbayClient
    start: datetime
    end: datetime
    limit: int
    found: dict[Any, dict[str, Any]] = field(default_factory=dict)
    duration_s: float = 0.0
    attempts: int = 0

    def read_folder(self, folder: str) -> bool:
        """Read a folder's page; True when it may hold more than was read."""
        pages = _MOST_PAGES if self.end - self.start <= _SHORTEST else 1
        try:
            return all(self._read_page(folder, number) for number in range(1, pages + 1))
        except Refused:
            if not self._is_gone(folder):
                raise
            return False

    def _read_page(self, folder: str, number: int) -> bool:
        """True when the page is full."""
        try:
            answer = read_whole(self.client, GET_MY_MESSAGES, self._request(folder, number))
        except Refused as refused:
            if number > 1 and is_beyond_end(refused):
                return False
            raise
        self.duration_s += answer.duration_s
        self.attempts += answer.attempts
        return self._keep(answer, folder) and len(answer.records) >= self.limit

    def _keep(self, answer: Answer, folder: str) -> bool:
        """True when the page had anything new."""
        before = len(self.found)
        for record in answer.records:
            key = record.get("MessageID") or len(self.found)
            self.found.setdefault(key, {"Folder": {"FolderID": folder}, **record})
        return len(self.found) > before

    def _request(self, folder: str, number: int) -> bytes:
        return (
            f"<DetailLevel>ReturnHeaders</DetailLevel><FolderID>{escape(folder)}</FolderID>"
            f"<StartTime>{ebay_time(self.start)}</StartTime><EndTime>{ebay_time(self.end)}</EndTime>"
            f"<Pagination><EntriesPerPage>{self.limit}</EntriesPerPage><PageNumber>{number}</PageNumber>"
            "</Pagination>"
        ).encode()

    def _is_gone(self, folder: str) -> bool:
        """Whether a folder of the user's own, as it was known, is no longer there."""
        if folder in (INBOX, SENT):
            return False
        forget_folders()
        return folder not in custom_folders(self.client)

    def page(self, *, total: int, has_next: bool) -> Page:
        return Page(
            items=list(self.found.values()),
            total=total,
            offset=0,
            limit=self.limit if has_next else max(self.limit, len(self.found)),
            has_next=has_next,
            number=1,
            duration_s=self.duration_s,
            attempts=self.attempts,
        )
