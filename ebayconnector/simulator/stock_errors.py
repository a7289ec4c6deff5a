"""The errors of the Inventory API with the texts of its contract (03 §6)."""

from ebayconnector.simulator.ebay_errors import EbayError, rest_body

_TEXTS: dict[int, tuple[str, tuple[str, ...]]] = {
    25702: ("{0} could not be found or is not available in the system.", ("skuValue",)),
    25706: ("You have provided invalid pagination values. {0}.", ("additionalInfo",)),
    25707: (
        "This is an invalid value for a SKU. Only alphanumeric characters can be used for SKUs, "
        "and their length must not exceed 50 characters.",
        (),
    ),
    25709: ("Invalid value for {0}.", ("fieldName",)),
    25710: ("We didn't find the resource/entity you are requesting. Please verify the request", ()),
    25713: ("This Offer is not available.", ()),
}


def inventory_error(error_id: int, *values: str, status: int = 400) -> EbayError:
    """An error of the Inventory API; `values` fill the places of its text."""
    text, names = _TEXTS[error_id]
    parameters = dict(zip(names, values, strict=True))
    body = rest_body(error_id, text.format(*values), domain="API_INVENTORY", parameters=parameters)
    return EbayError(status, body)
