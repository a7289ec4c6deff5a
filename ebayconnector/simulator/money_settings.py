"""What can be set about the Finances API and its signatures."""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

from ebayconnector.simulator.json_types import JsonObject

Generation = Literal["v1.9", "v1.18"]
GENERATIONS: tuple[str, ...] = get_args(Generation)
SignatureRule = Literal["eu_uk", "all", "never"]
SIGNATURE_RULES: tuple[str, ...] = get_args(SignatureRule)
IgnoredLimit = Literal["all", "default"]
IGNORED_LIMITS: tuple[str, ...] = get_args(IgnoredLimit)

# Domicile is what counts to eBay; the site is all that a seller of the simulator has.
SIGNING_SITES = frozenset({"GB", "DE", "FR", "IT", "ES"})


@dataclass(frozen=True, slots=True)
class FinancesSettings:
    """`generation`: which contract is served (03 §5). `signatures`: whose calls must be signed.

    `signature_tolerance_s`: how far `created` may be from the clock; eBay's figure is unverified, 15 minutes
    is what third parties write. `ignored_limit`: eBay ignores `limit` beside orderId, payoutId and
    transactionId; whether all rows come then or the default page is unverified.
    """

    generation: Generation = "v1.18"
    signatures: SignatureRule = "eu_uk"
    signature_tolerance_s: int = 900
    ignored_limit: IgnoredLimit = "all"

    def wants_signature(self, site_key: str) -> bool:
        return self.signatures == "all" or (self.signatures == "eu_uk" and site_key in SIGNING_SITES)

    def as_json(self) -> JsonObject:
        return asdict(self)
