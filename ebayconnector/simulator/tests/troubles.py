"""What the tests of Post-Order and payment disputes share: a caller of one seller."""

from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .conftest import SELLER, Sim

PATH = "/post-order/v2"
DISPUTES = "/sell/fulfillment/v1/payment_dispute"
RESOURCES = {"case": "casemanagement", "inquiry": "inquiry", "return": "return"}
DATES = {
    "case": "case_creation_date_range",
    "inquiry": "inquiry_creation_date_range",
    "return": "creation_date_range",
}
TRUTHS = {"case": "cases", "inquiry": "inquiries", "return": "returns", "dispute": "disputes"}
TOTALS = {"case": "totalNumberOfCases", "inquiry": "totalNumberOfInquiries", "return": "total"}
ID_NAMES = {"case": "caseId", "inquiry": "inquiryId", "return": "returnId", "dispute": "paymentDisputeId"}
FAMILIES = tuple(RESOURCES)
LONG_S = 5 * 365 * 86_400


class Troubles:
    """One seller's calls: `IAF` for Post-Order, `Bearer` for payment disputes."""

    def __init__(self, sim: Sim, seller: str = SELLER) -> None:
        self.sim = sim
        self.seller = seller
        self.token = sim.mint(seller, life_s=LONG_S)

    def get(self, path: str, headers=None, **params):
        sent = {"Authorization": f"IAF {self.token}", "X-EBAY-C-MARKETPLACE-ID": "EBAY_GB"}
        sent |= headers or {}
        given = {name: value for name, value in sent.items() if value is not None}
        return self.sim.http.get(self.sim.url + PATH + path, params=params, headers=given, timeout=30)

    def search(self, family: str, **params):
        return self.get(f"/{RESOURCES[family]}/search", **params)

    def members(self, family: str, **params) -> list[dict]:
        answer = self.search(family, **{"limit": 200} | params)
        assert answer.status_code == 200, answer.text
        return answer.json()["members"]

    def ids(self, family: str, **params) -> list[str]:
        return [str(row[ID_NAMES[family]]) for row in self.members(family, **params)]

    def detail(self, family: str, number, **params):
        return self.get(f"/{RESOURCES[family]}/{number}", **params)

    def disputes(self, **params):
        return self.sim.get(f"{DISPUTES}_summary", self.token, **params)

    def dispute(self, number: str, more: str = ""):
        return self.sim.get(f"{DISPUTES}/{number}{more}", self.token)

    def truth(self, family: str) -> list[dict]:
        name = TRUTHS[family]
        return self.sim.control("GET", f"/truth/{name}?seller={self.seller}&limit=10000")[name]

    def open(self, family: str, **fields) -> str:
        body = {"seller": self.seller, "family": family} | fields
        return self.sim.control("POST", "/troubles", body)["id"]

    def change(self, number: str, *, status: int = 200, **fields) -> dict:
        return self.sim.control(
            "PATCH", f"/troubles/{number}", {"seller": self.seller} | fields, status=status
        )

    def one(self, family: str, number: str) -> dict:
        """What is true of one record."""
        return next(row for row in self.truth(family) if row["id"] == number)

    def advance(self, days: float) -> None:
        self.sim.control("POST", "/clock", {"advance_s": days * 86_400})

    def ago(self, days: float) -> str:
        return iso(parse_iso(self.sim.now()) - int(days * DAY_MS))


def troubled(sim: Sim) -> Troubles:
    """A seller with many inquiries and returns, the clock frozen."""
    sim.control("POST", "/reset", {"trouble_share": 0.4})
    sim.freeze()
    return Troubles(sim)


def large_seller(sim: Sim) -> Troubles:
    sim.control("POST", "/sellers", {"username": "large", "orders": 1_500})
    return Troubles(sim, "large")


def created(row: dict) -> str:
    """When a case, inquiry or return of a search was opened."""
    info = row.get("creationInfo", row)
    return info["creationDate"]["value"]


def errors_of(answer):
    """The errors of an answer in any of the shapes."""
    body = answer.json()
    found = body.get("error", body.get("errorMessage", {}).get("error"))
    return found if isinstance(found, list) else [found]


def refused(answer, status, error_id):
    assert (answer.status_code, errors_of(answer)[0]["errorId"]) == (status, error_id), answer.text
    return errors_of(answer)[0]


def visible(rows):
    """What the search can show: escalated inquiries have left it."""
    return [row for row in rows if "inquiryId" not in row["summary"] or not row["escalated"]]
