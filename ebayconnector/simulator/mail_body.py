"""One `Message` of GetMyMessages (03 §3.5) as an object whose members become elements in this order."""

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.mail_book import EBAY, KEPT_MS, QUESTION, REPLY, SENT, TRANSACTION, MailBook
from ebayconnector.simulator.mail_facts import MailFacts, mail_facts
from ebayconnector.simulator.mail_texts import message_text
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, iso

_ANSWERABLE_MS = 90 * DAY_MS
_TYPES = {
    QUESTION: "AskSellerQuestion",
    TRANSACTION: "ContactTransactionPartner",
    REPLY: "ResponseToASQQuestion",
}


def message_body(book: MailBook, n: int, seller: Seller, now_ms: int, *, text: bool = False) -> JsonObject:
    """The message as it is at a moment; `text` adds Text and Content, which only ReturnMessages gives."""
    facts = mail_facts(book, n, seller)
    message_id = book.message_id(n)
    body: JsonObject = _people(book, n, seller, facts)
    body |= {"Subject": facts.subject, "MessageID": message_id, "ExternalMessageID": book.external_id(n)}
    if text:
        title = facts.item.title if facts.item else facts.subject
        body["Text"] = message_text(form=facts.form, words=facts.words, title=title, euid=message_id)
        body["Content"] = facts.words
    body |= {
        "Flagged": book.flagged_ms[n] <= now_ms,
        "Read": book.read_ms[n] <= now_ms,
        "Replied": book.replied_ms[n] <= now_ms,
        "HighPriority": bool(book.high_priority[n]),
        "ReceiveDate": iso(book.received[n]),
        "ExpirationDate": iso(book.received[n] + KEPT_MS),
    }
    body |= _item(facts, book.received[n], now_ms)
    body["MessageType"] = _message_type(book.kind[n], facts)
    if book.kind[n] == QUESTION:
        body["QuestionType"] = facts.question_type
    body["ResponseDetails"] = _response(book, n, message_id, now_ms)
    body["Folder"] = {"FolderID": book.folder[n]}
    if facts.media:
        body["MessageMedia"] = [_picture(message_id, at) for at in range(facts.media)]
    patch = book.patches.get(n)
    body = body if patch is None else apply_patch(body, _shown(patch, text=text))
    return {name: value for name, value in body.items() if value is not None}


def _shown(patch: JsonObject, *, text: bool) -> JsonObject:
    return patch if text else {k: v for k, v in patch.items() if k not in ("Text", "Content")}


def _people(book: MailBook, n: int, seller: Seller, facts: MailFacts) -> JsonObject:
    if book.folder[n] == SENT:
        return {"Sender": seller.username, "RecipientUserID": facts.other, "SendToName": facts.other}
    people: JsonObject = {"Sender": facts.other, "RecipientUserID": seller.username}
    return people | {"SendToName": f"{seller.first_name} {seller.last_name}"}


def _message_type(kind: int, facts: MailFacts) -> str | None:
    """Half of eBay's own messages have none."""
    return _TYPES.get(kind) or ("All" if facts.form % 2 else None)


def _item(facts: MailFacts, received_ms: int, now_ms: int) -> JsonObject:
    """Item and buyer are all that links a message to an order (03 §3.5)."""
    if facts.item is None:
        return {}
    ends_ms = received_ms + facts.item_ends_after_days * DAY_MS
    return {
        "ItemID": facts.item.item_id,
        "ItemTitle": facts.item.title,
        "ItemEndTime": iso(ends_ms),
        "ListingStatus": "Active" if ends_ms > now_ms else "Completed",
    }


def _response(book: MailBook, n: int, message_id: str, now_ms: int) -> JsonObject:
    closed = book.kind[n] == EBAY or book.folder[n] == SENT
    if closed or now_ms - book.received[n] > _ANSWERABLE_MS:
        return {"ResponseEnabled": False}
    address = f"https://contact.ebay.example/ws/eBayISAPI.dll?M2MContact&mid={message_id}&redirect=0"
    return {"ResponseEnabled": True, "ResponseURL": address}


def _picture(message_id: str, at: int) -> JsonObject:
    address = f"https://i.ebayimg.example/00/m/{message_id}_{at}.JPG"
    return {"MediaURL": address, "MediaName": f"foto_{at}.jpg"}
