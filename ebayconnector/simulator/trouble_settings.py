"""What can be set about the Post-Order APIs and payment disputes."""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

from ebayconnector.simulator.json_types import JsonObject

ErrorShape = Literal["by_method", "message_list", "message_object", "list"]
ERROR_SHAPES: tuple[str, ...] = get_args(ErrorShape)
PageOffset = Literal["row", "page"]
PAGE_OFFSETS: tuple[str, ...] = get_args(PageOffset)
TroubleSort = Literal["newest_first", "oldest_first", "by_id"]
TROUBLE_SORTS: tuple[str, ...] = get_args(TroubleSort)
EmptyDisputes = Literal["list", "no_content"]
EMPTY_DISPUTES: tuple[str, ...] = get_args(EmptyDisputes)


@dataclass(frozen=True, slots=True)
class PostOrderSettings:
    """Where eBay's documents and answers differ, one of each (03 §7).

    `error_shape`: `errorMessage.error` as a list or an object, a bare `error` list, or each method its own.
    `offset`: rows, or pages counted from one. `max_span_days`: the longest range of creation dates; the true
    limit is unverified. `sort`: the order of the searches, which eBay does not promise. `empty_disputes`: how
    getPaymentDisputeSummaries says "nothing".
    """

    error_shape: ErrorShape = "by_method"
    offset: PageOffset = "row"
    max_span_days: int = 90
    sort: TroubleSort = "newest_first"
    empty_disputes: EmptyDisputes = "list"

    def as_json(self) -> JsonObject:
        return asdict(self)
