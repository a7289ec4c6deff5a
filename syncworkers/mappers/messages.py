"""Letters and their texts (03 §3.5) to rows."""

from __future__ import annotations

from . import reading as r
from . import trading_values as t
from .reading import JsonObject, MappedRow, Maturity


def message_row(message: JsonObject) -> MappedRow:
    """Columns of `ebay_messages`. Raises Unmappable without a MessageID and on nonsense.

    What was read, flagged or answered changes without a time of change: for two months that is looked after.
    """
    return MappedRow(
        columns={
            "message_id": r.required_text(message, "MessageID"),
            "external_id": r.text(message, "ExternalMessageID"),
            "folder_id": r.text(message, "Folder", "FolderID"),
            "sender": r.text(message, "Sender"),
            "recipient": r.text(message, "RecipientUserID"),
            "subject": r.text(message, "Subject"),
            "message_type": r.text(message, "MessageType"),
            "question_type": r.text(message, "QuestionType"),
            "item_id": r.text(message, "ItemID"),
            "item_title": r.text(message, "ItemTitle"),
            "listing_status": r.text(message, "ListingStatus"),
            "is_read": t.flag(message, "Read"),
            "is_flagged": t.flag(message, "Flagged"),
            "is_replied": t.flag(message, "Replied"),
            "is_high_priority": t.flag(message, "HighPriority"),
            "can_be_answered": t.flag(message, "ResponseDetails", "ResponseEnabled"),
            "expires_at": r.time(message, "ExpirationDate"),
        },
        modified_at=None,
        occurred_at=r.time(message, "ReceiveDate"),
        maturity=Maturity.SETTLING,
    )


def message_body_row(message: JsonObject) -> MappedRow:
    """Columns of `ebay_message_bodies`; its HTML stays in the payload. Raises Unmappable without an id."""
    # That it is a text is checked here: nobody else looks at it before it is shown.
    r.text(message, "Text")
    return MappedRow(
        columns={
            "message_id": r.required_text(message, "MessageID"),
            "content": r.text(message, "Content"),
        },
        modified_at=None,
    )
