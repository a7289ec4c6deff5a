"""Trading answers as bytes, for the scripted server."""

from __future__ import annotations

from .loopback import Behaviour, answer

NAMESPACE = "urn:ebay:apis:eBLBaseComponents"
TIMESTAMP = "2026-11-21T20:00:00.250Z"


def envelope(name: str, inner: str, *, ack: str = "Success") -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?><{name}Response xmlns="{NAMESPACE}">'
    return f"{head}<Timestamp>{TIMESTAMP}</Timestamp><Ack>{ack}</Ack>{inner}</{name}Response>".encode()


def trading_answer(name: str, inner: str = "", *, ack: str = "Success") -> Behaviour:
    return answer(200, envelope(name, inner, ack=ack), "text/xml;charset=utf-8")


def fault(code: str, severity: str = "Error", classification: str = "RequestError") -> str:
    """As eBay says it in German: nobody may look at the words."""
    return (
        f"<Errors><ShortMessage>Ungültig.</ShortMessage><ErrorCode>{code}</ErrorCode><SeverityCode>{severity}</SeverityCode><ErrorClassification>{classification}"
        "</ErrorClassification></Errors>"
    )


def failure(name: str, code: str, classification: str = "RequestError") -> Behaviour:
    return trading_answer(name, fault(code, classification=classification), ack="Failure")
