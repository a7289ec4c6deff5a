"""Records of Trading, Post-Order and payment disputes as the client gives them (03 §3, §4.3, §7)."""

from __future__ import annotations

from typing import Any

MESSAGE: dict[str, Any] = {
    "Sender": "buyer_1",
    "RecipientUserID": "seller_1",
    "SendToName": "Seller One",
    "Subject": "Frage zu <Übertopf>",
    "MessageID": "1234567890",
    "ExternalMessageID": "9912345678",
    "Flagged": "false",
    "Read": "true",
    "Replied": "false",
    "HighPriority": "false",
    "ReceiveDate": "2026-11-20T10:00:00.000Z",
    "ExpirationDate": "2027-11-20T10:00:00.000Z",
    "ItemID": "110012345678",
    "ItemTitle": "Übertopf, weiß",
    "ItemEndTime": "2026-12-01T10:00:00.000Z",
    "ListingStatus": "Active",
    "MessageType": "AskSellerQuestion",
    "QuestionType": "General",
    "ResponseDetails": {"ResponseEnabled": "true", "ResponseURL": "https://contact.example/1"},
    "Folder": {"FolderID": "0"},
    "MessageMedia": [{"MediaURL": "https://i.example/1.jpg", "MediaName": "foto.jpg"}],
}
BODY: dict[str, Any] = MESSAGE | {"Text": "<p>Passt der?<script>x()</script></p>", "Content": "Passt der?"}
LISTING: dict[str, Any] = {
    "ItemID": "110012345678",
    "SKU": "ABC-1",
    "Title": "A thing",
    "ListingType": "FixedPriceItem",
    "BuyItNowPrice": {"value": "10.0", "currency": "USD"},
    "Quantity": "5",
    "QuantityAvailable": "3",
    "SellingStatus": {"CurrentPrice": {"value": "10.0", "currency": "USD"}, "BidCount": "0"},
    "ListingDetails": {"StartTime": "2026-10-01T08:00:00.000Z", "ViewItemURL": "https://ebay.example/1"},
    "TimeLeft": "P25DT3H",
    "WatchCount": "2",
    "PictureDetails": {"GalleryURL": "https://i.example/1.jpg"},
    "ShippingDetails": {
        "ShippingServiceOptions": [{"ShippingServiceCost": {"value": "0.0", "currency": "USD"}}]
    },
    "AsOf": "2026-11-21T20:00:00.250Z",
    "Variation": None,
}
VARIATION: dict[str, Any] = {
    "SKU": "ABC-1-RED",
    "StartPrice": {"value": "12.5", "currency": "USD"},
    "Quantity": "4",
    "SellingStatus": {"QuantitySold": "1"},
    "VariationSpecifics": {
        "NameValueList": [{"Name": "Size", "Value": ["M"]}, {"Name": "Color", "Value": ["Red", "Blue"]}]
    },
}
VARIED = LISTING | {"Variation": VARIATION}
PURCHASE: dict[str, Any] = {
    "TransactionID": "0",
    "OrderLineItemID": "110099-0",
    "CreatedDate": "2026-11-01T10:00:00.000Z",
    "BuyerPaidStatus": "Paid",
    "PaidTime": "2026-11-01T11:00:00.000Z",
    "ShippedTime": "2026-11-02T11:00:00.000Z",
    "QuantityPurchased": "1",
    "TotalPrice": {"value": "23.99", "currency": "EUR"},
    "Item": {
        "ItemID": "110099",
        "Title": "A won thing",
        "ListingType": "Chinese",
        "Seller": {"UserID": "somebody"},
        "SellingStatus": {"CurrentPrice": {"value": "20.0", "currency": "EUR"}},
        "ListingDetails": {"EndTime": "2026-11-01T10:00:00.000Z"},
    },
    "Order": {"OrderID": "O-1"},
}


def on(day: str) -> dict[str, str]:
    return {"value": f"2026-11-{day}T10:00:00.000Z", "formattedValue": f"Nov {day}, 2026"}


CASE: dict[str, Any] = {
    "caseId": "5000000001",
    "itemId": "1100",
    "transactionId": "900",
    "buyer": "b",
    "seller": "s",
    "caseStatusEnum": "OPEN",
    "claimAmount": {"value": 12.5, "currency": "USD"},
    "creationDate": on("01"),
    "lastModifiedDate": on("02"),
    "respondByDate": on("05"),
}
CASE_DETAIL: dict[str, Any] = {
    "caseId": "5000000001",
    "caseType": "RETURN",
    "status": "OPEN",
    "itemId": "1100",
    "transactionId": "900",
    "returnId": "5000000009",
    "initiator": "BUYER",
    "escalateReason": "NO_REFUND",
    "caseQuantity": 1,
    "claimAmount": {"value": 12.5, "currency": "USD"},
    "creationDate": on("01"),
    "lastModifiedDate": on("02"),
    "caseDetails": {"escalationDate": on("01"), "refundDeadlineDate": on("09"), "refundAmounts": []},
    "caseHistoryDetails": {"history": []},
}
INQUIRY: dict[str, Any] = {
    "inquiryId": "5000000002",
    "itemId": "1100",
    "transactionId": "901",
    "buyer": "b",
    "seller": "s",
    "inquiryStatusEnum": "WAITING_SELLER_RESPONSE",
    "claimAmount": {"value": 7, "currency": "EUR"},
    "creationDate": on("03"),
    "lastModifiedDate": on("04"),
    "respondByDate": on("06"),
}
INQUIRY_DETAIL: dict[str, Any] = {
    "inquiryId": "5000000002",
    "state": "CREATED",
    "status": "WAITING_SELLER_RESPONSE",
    "itemId": "1100",
    "transactionId": "901",
    "inquiryDetails": {"creationDate": on("03"), "refundDeadlineDate": on("12")},
    "inquiryHistoryDetails": {"history": []},
    "sellerMakeItRightByDate": on("06"),
}
RETURN: dict[str, Any] = {
    "returnId": "5000000009",
    "orderId": "12-00001-00001",
    "buyerLoginName": "b",
    "sellerLoginName": "s",
    "currentType": "MONEY_BACK",
    "state": "RETURN_REQUESTED",
    "status": "READY_FOR_SHIPPING",
    "creationInfo": {
        "creationDate": on("07"),
        "item": {"itemId": "1100", "transactionId": "900", "returnQuantity": 1},
        "reason": "DEFECTIVE_ITEM",
        "reasonType": "SNAD",
    },
    "sellerTotalRefund": {
        "estimatedRefundAmount": {"value": 20.1, "currency": "USD"},
        "actualRefundAmount": {"value": 19.5, "currency": "USD"},
    },
    "sellerResponseDue": {"activityDue": "SELLER_APPROVE_REQUEST", "respondByDate": on("10")},
    "escalationInfo": {"caseId": 5000000001},
    "sellerAvailableOptions": [],
}
RETURN_DETAIL: dict[str, Any] = {
    "returnId": "5000000009",
    "summary": {"returnId": "5000000009", "state": "RETURN_REQUESTED", "status": "READY_FOR_SHIPPING"},
    "detail": {
        "closeInfo": {"returnCloseReason": "REFUNDED"},
        "responseHistory": [
            {"creationDate": on("07")},
            {"creationDate": on("09")},
            {"creationDate": on("08")},
        ],
    },
}
DISPUTE: dict[str, Any] = {
    "paymentDisputeId": "5000000011",
    "orderId": "12-00001-00001",
    "paymentDisputeStatus": "ACTION_NEEDED",
    "reason": "ITEM_NOT_RECEIVED",
    "amount": {"value": "20.00", "currency": "USD"},
    "buyerUsername": "b",
    "openDate": "2026-11-01T10:00:00.000Z",
    "respondByDate": "2026-11-08T10:00:00.000Z",
    "closedDate": None,
}
DISPUTE_DETAIL: dict[str, Any] = DISPUTE | {
    "revision": 3,
    "sellerResponse": "CONTEST",
    "resolution": {"reasonForClosure": "SELLER_WIN", "protectionStatus": "FULLY_PROTECTED"},
}
