"""Columns get names that people read on pages. Nothing changes in the database.

One operation instead of 250: each would build all models anew, which takes a processor many seconds.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_MATURING = "case inquiry message payout return transaction"
_ROWS = (
    _MATURING
    + " activelisting casedetail inquirydetail inventoryitem messagebody offer order paymentdispute "
    "paymentdisputedetail purchase returndetail sellerfunds transfer"
)
# Models, field, name ("": made from the field's own), help.
_WORDS = (
    (_ROWS, "changed_at", "changed here", ""),
    (_ROWS, "closed_at", "gone from eBay since", ""),
    (_ROWS, "ebay_modified_at", "changed on eBay", ""),
    (_ROWS, "erased_at", "personal data taken out", "When personal data was taken out of it, because eBay's user asked for it"),
    (_ROWS, "first_seen_at", "first stored", ""),
    ("case inquiry message paymentdispute payout return transaction", "detail_retry_at", "details asked again", "After a failure: not before this"),
    (_MATURING, "check_at", "read again", "Empty: it is final"),
    ("case inquiry message paymentdispute return transaction", "detail_at", "details read", "Empty: still to be asked for"),
    (_MATURING, "maturity", "may still change", ""),
    (_MATURING, "occurred_at", "created on eBay", ""),
    ("failedslice quarantinedrecord snapshotpass syncstate", "api_family", "worker", ""),
    ("case casedetail inquiry inquirydetail", "escalated_at", "escalated", ""),
    ("case casedetail inquiry inquirydetail", "refund_due_at", "refund due", ""),
    ("case inquiry paymentdispute return", "respond_by_at", "answer due", ""),
    ("activelisting inventoryitem offer orderlineitem", "sku", "SKU", ""),
    ("order transaction", "buyer_username", "buyer", ""),
    ("case casedetail", "case_status", "status", ""),
    ("case casedetail", "case_type", "type", ""),
    ("return returndetail", "close_reason", "why it was closed", ""),
    ("failedslice quarantinedrecord", "end_at", "until", ""),
    ("case casedetail", "escalate_reason", "why it was escalated", ""),
    ("financesfee transaction", "fee_type", "kind of fee", ""),
    ("order orderlineitem", "fulfillment_status", "fulfilment", ""),
    ("case casedetail", "initiator", "opened by", ""),
    ("inquiry inquirydetail", "inquiry_status", "status", ""),
    ("return returndetail", "last_activity_at", "last activity", ""),
    ("activelisting purchase", "listing_type", "kind of listing", ""),
    ("paymentdispute paymentdisputedetail", "protection_status", "seller protection", ""),
    ("paymentdispute paymentdisputedetail", "seller_response", "what the seller answered", ""),
    ("return", "activity_due", "what the seller is to do", "What the seller is to do"),
    ("transfer", "amount", "taken", ""),
    ("snapshotpass", "asked", "asked one by one", "Listed records asked about one by one"),
    ("snapshotpass", "asked_up_to", "last row asked about", "The id of the last row asked about"),
    ("offer", "available_quantity", "available", ""),
    ("transfer", "balance_used", "paid from the funds", ""),
    ("activelisting", "bid_count", "bids", ""),
    ("transaction", "booking_entry", "credit or debit", ""),
    ("purchase", "bought_at", "bought", ""),
    ("order", "cancel_state", "cancellation", ""),
    ("transfer", "charge_count", "charges", ""),
    ("transfer", "charge_total", "for charges of", ""),
    ("order", "created_at_ebay", "created on eBay", ""),
    ("snapshotpass", "cut", "cut off by eBay", "eBay's list ended before everything was listed"),
    ("payout", "detail_at", "transactions read", "Empty: still to be asked for"),
    ("paymentdispute", "dispute_status", "status", ""),
    ("paymentdispute", "ended_at", "closed", ""),
    ("activelisting", "ends_at", "ends", ""),
    ("inventoryitem", "epid", "eBay product (ePID)", ""),
    ("message", "expires_at", "kept by eBay until", ""),
    ("message", "external_id", "id for a reply", "What a reply names as its parent"),
    ("failedslice", "failed_at", "failed", ""),
    ("transaction", "fee_total", "fees", ""),
    ("snapshotpass", "finished_at", "ended", ""),
    ("quarantinedrecord", "first_seen_at", "first seen", ""),
    ("message", "folder_id", "folder", ""),
    ("transfer", "funding_brand", "bank or card", ""),
    ("transfer", "funding_type", "paid from", ""),
    ("inventoryitem", "group_ids", "groups of variations", "Groups of variations that it is in, with commas"),
    ("quarantinedrecord", "healed_at", "healed", ""),
    ("message", "is_flagged", "flagged", ""),
    ("message", "is_high_priority", "important", ""),
    ("message", "is_read", "read", ""),
    ("message", "is_replied", "answered", ""),
    ("payout", "last_attempted_at", "last tried", ""),
    ("quarantinedrecord", "last_seen_at", "last seen", ""),
    ("orderlineitem", "legacy_item_id", "item id", ""),
    ("order", "line_item_count", "lines", ""),
    ("financesfee", "line_item_id", "order line", ""),
    ("snapshotpass", "listed_at", "list complete", "When the list was complete"),
    ("offer", "listing_duration", "duration", ""),
    ("message", "listing_status", "the listing is", ""),
    ("inventoryitem", "locale", "language", ""),
    ("offer", "marketplace_id", "marketplace", ""),
    ("offer", "merchant_location_key", "location", ""),
    ("message", "message_type", "type", ""),
    ("inventoryitem", "mpn", "part number (MPN)", ""),
    ("offer", "offer_status", "status", ""),
    ("paymentdispute", "opened_at", "opened", ""),
    ("transfer", "order_ids", "orders", "Orders that the charges are for, with commas"),
    ("purchase", "order_line_item_id", "purchase id", ""),
    ("purchase", "paid_at", "paid", ""),
    ("purchase", "paid_status", "payment", ""),
    ("order", "payment_status", "payment", ""),
    ("payout", "payout_status", "status", ""),
    ("activelisting", "picture_url", "picture", ""),
    ("snapshotpass", "position", "where the list goes on", "Where the list goes on, in eBay's terms"),
    ("message", "question_type", "question about", ""),
    ("return", "reason_type", "kind of reason", ""),
    ("quarantinedrecord", "record_key", "record", "Its natural key, or a hash of one that has none"),
    ("failedslice", "retry_at", "next try", ""),
    ("return", "return_type", "type", ""),
    ("order", "ship_to_country", "country", ""),
    ("order", "ship_to_name", "sent to", ""),
    ("purchase", "shipped_at", "shipped", ""),
    ("financesfee", "signed_amount", "effect on the money", ""),
    ("offer", "sold_quantity", "sold", ""),
    ("failedslice", "start_at", "from", ""),
    ("quarantinedrecord", "start_at", "from", "The smallest known span of eBay's time that holds it; empty: not read by time"),
    ("snapshotpass", "started_at", "began", ""),
    ("activelisting", "started_at", "on sale since", ""),
    ("payout", "transaction_count", "transactions", ""),
    ("transaction", "transaction_status", "status", ""),
    ("transaction", "transaction_type", "type", ""),
    ("transfer", "transferred_at", "when", ""),
    ("activelisting", "variation", "", "Such as Size: M, Color: Red"),
    ("activelisting", "variation_key", "key of the variation", ""),
    ("activelisting", "view_url", "page on eBay", ""),
)  # fmt: skip


class NameFields(Operation):
    """Verbose names and help texts, in Django's memory of the models alone."""

    reduces_to_sql = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        named = set()
        for models, name, words, help_text in _WORDS:
            for model in models.split():
                fields = state.models[app_label, model].fields
                field: Any = fields[name].clone()
                field.verbose_name = field._verbose_name = words or None
                field.help_text = help_text
                fields[name] = field
                named.add((app_label, model))
        if "apps" in state.__dict__:
            state.reload_models(named, delay=True)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing."""

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing."""

    def describe(self) -> str:
        return "Names of fields for people"


class Migration(migrations.Migration):
    dependencies = [("syncworkers", "0007_personal_data")]

    operations = [
        migrations.AlterModelOptions(
            name="snapshotpass", options={"verbose_name": "pass", "verbose_name_plural": "passes"}
        ),
        NameFields(),
    ]
