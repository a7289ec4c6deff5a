"""What never changes about a message: who wrote about what, in which words."""

from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.buyers import draw_buyer
from ebayconnector.simulator.listings import LISTINGS_PER_SELLER, Listing, listing
from ebayconnector.simulator.mail_book import EBAY, MailBook
from ebayconnector.simulator.mail_texts import EBAY_SUBJECTS, QUESTIONS, REPLIES, SUBJECTS
from ebayconnector.simulator.order_facts import order_facts
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sellers import Seller

_QUESTION_TYPES = ("General", "General", "Shipping", "Payment", "MultipleItemShipping", "CustomizedSubject")


@dataclass(frozen=True, slots=True)
class MailFacts:
    """`other` is the person at the other end; `form` chooses how the text is written (`mail_texts`)."""

    other: str
    subject: str
    words: str
    item: Listing | None
    question_type: str
    form: int
    media: int
    item_ends_after_days: int


def mail_facts(book: MailBook, n: int, seller: Seller) -> MailFacts:
    source = rng(book.seed, book.seller_number, 41, n)
    language = seller.site.language
    parent = book.parent_of(n)
    if parent is not None:
        asked = mail_facts(book, parent, seller)
        subject, words = f"Re: {asked.subject}", source.choice(REPLIES.get(language, REPLIES["en"]))
        return _facts(source, asked.other, subject, words, asked.item)
    other, item = _about(book, n, seller, source)
    if book.kind[n] == EBAY:
        subject = source.choice(EBAY_SUBJECTS.get(language, EBAY_SUBJECTS["en"]))
        return _facts(source, "eBay", subject, subject, None if book.order_of(n) is None else item)
    subject = source.choice(SUBJECTS.get(language, SUBJECTS["en"]))
    words = source.choice(QUESTIONS.get(language, QUESTIONS["en"]))
    return _facts(source, other, subject.format(other=other, title=item.title)[:120], words, item)


def _about(book: MailBook, n: int, seller: Seller, source: Random) -> tuple[str, Listing]:
    """The buyer and a listing of the order that the message is about, else somebody and any listing."""
    order = book.order_of(n)
    if order is not None:
        facts = order_facts(seed=book.seed, seller_number=book.seller_number, site=seller.site, n=order)
        return facts.buyer.username, source.choice(facts.lines).listing
    place = source.randrange(LISTINGS_PER_SELLER)
    return draw_buyer(source, seller.site).username, listing(
        book.seed, book.seller_number, seller.site.key, place
    )


def _facts(source: Random, other: str, subject: str, words: str, item: Listing | None) -> MailFacts:
    return MailFacts(
        other=other,
        subject=subject,
        words=words,
        item=item,
        question_type=source.choice(_QUESTION_TYPES),
        form=source.randrange(100),
        media=source.randrange(1, 3) if source.random() < 0.08 else 0,
        item_ends_after_days=source.randrange(-5, 40),
    )
