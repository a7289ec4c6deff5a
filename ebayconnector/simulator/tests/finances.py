"""What the tests of the Finances API share: a caller of one seller, and a signer of messages."""

import hashlib
from base64 import b64decode, b64encode
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .conftest import Sim

PATH = "/sell/finances/v1"
US_SELLER = "northwind_parts"
KEYS = "/developer/key_management/v1/signing_key"


def cents(amount: dict) -> int:
    return int(Decimal(amount["value"]) * 100)


def signed(row: dict) -> int:
    return cents(row["amount"]) * (1 if row["bookingEntry"] == "CREDIT" else -1)


def key_of(row: dict) -> tuple[str, str]:
    return row["transactionId"], row["transactionType"]


class Finances:
    """One seller's calls, unsigned."""

    def __init__(self, sim: Sim, seller: str = US_SELLER) -> None:
        self.sim = sim
        self.seller = seller
        self.token = sim.mint(seller, life_s=5 * 365 * 86_400)

    def get(self, path: str, *filters: str, headers=None, **params):
        sent = [("filter", text) for text in filters] + list(params.items())
        given = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return self.sim.http.get(self.sim.url + PATH + path, params=sent, headers=given, timeout=30)

    def rows(self, *filters: str, **params) -> list[dict]:
        """The rows of one answer; none for 204."""
        answer = self.get("/transaction", *filters, **{"limit": 1000} | params)
        assert answer.status_code in (200, 204), answer.text
        return answer.json()["transactions"] if answer.content else []

    def payouts(self, *filters: str, **params) -> list[dict]:
        answer = self.get("/payout", *filters, **{"limit": 200} | params)
        return answer.json()["payouts"] if answer.content else []

    def truth(self, name: str = "transactions") -> list[dict]:
        found, offset = [], 0
        while True:
            page = self.sim.control("GET", f"/truth/{name}?seller={self.seller}&offset={offset}")
            found += page[name]
            offset += 1000
            if offset >= page["total"]:
                return found

    def of_order(self, order_id: str, kind: str = "SALE") -> list[dict]:
        return [row for row in self.rows(f"orderId:{{{order_id}}}") if row["transactionType"] == kind]

    def ago(self, days: float) -> str:
        return iso(parse_iso(self.sim.now()) - int(days * DAY_MS))

    def new_order(self, **fields) -> str:
        return self.sim.new_order(self.seller, **fields)

    def advance(self, days: float) -> None:
        self.sim.control("POST", "/clock", {"advance_s": days * 86_400})


class Signer:
    """Signs as eBay's guide says; `changes` of a call replace what is signed."""

    def __init__(self, sim: Sim, cipher: str = "ED25519", client_token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {client_token or sim.app_token()}"}
        body = {"signingKeyCipher": cipher}
        answer = sim.http.post(sim.url + KEYS, json=body, headers=headers, timeout=30)
        self.sim = sim
        self.key = answer.json()
        self.private = load_der_private_key(b64decode(self.key["privateKey"]), password=None)

    def sign(self, base: bytes) -> str:
        if isinstance(self.private, Ed25519PrivateKey):
            return b64encode(self.private.sign(base)).decode()
        return b64encode(self.private.sign(base, PKCS1v15(), SHA256())).decode()

    def headers(self, path: str, *, body: bytes = b"", created: int | None = None, **changes) -> dict:
        digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
        parts = {"content-digest": digest} if body else {}
        parts |= {"x-ebay-signature-key": self.key["jwe"], "@method": "GET", "@path": path}
        parts["@authority"] = self.sim.url.partition("//")[2]
        parts |= {name: value for name, value in changes.items() if value is not None}
        listed = " ".join(f'"{name}"' for name in parts if changes.get(name, "") is not None)
        if created is None:
            created = parse_iso(self.sim.now()) // 1000
        params = f"({listed});created={created}"
        lines = [f'"{name}": {value}' for name, value in parts.items() if changes.get(name, "") is not None]
        base = "\n".join([*lines, f'"@signature-params": {params}']).encode()
        sent = {"x-ebay-signature-key": self.key["jwe"], "Signature-Input": f"sig1={params}"}
        sent |= {"Content-Digest": digest} if body else {}
        return sent | {"Signature": f"sig1=:{self.sign(base)}:"}
