"""Calls of the Trading API and its XML, read by name."""

from lxml import etree

from .conftest import SELLER

NS = {"e": "urn:ebay:apis:eBLBaseComponents"}


def post(sim, token, *, call="GetUser", site="0", inside="", body=None, **changes):
    headers = {
        "X-EBAY-API-CALL-NAME": call,
        "X-EBAY-API-SITEID": site,
        "X-EBAY-API-COMPATIBILITY-LEVEL": "1423",
        "X-EBAY-API-IAF-TOKEN": token,
        "Content-Type": "text/xml",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    if body is None:
        body = f'<?xml version="1.0"?><{call}Request xmlns="{NS["e"]}">{inside}</{call}Request>'
    return sim.http.post(
        f"{sim.url}/ws/api.dll",
        data=body.encode(),
        headers={name: value for name, value in headers.items() if value is not None},
        timeout=30,
    )


def path_of(steps):
    return "/".join(step if step == "*" else f"e:{step}" for step in steps.split("/"))


def find(answer, path):
    assert answer.status_code == 200
    return etree.fromstring(answer.content).findtext(path_of(path), None, NS)


def find_all(answer, path):
    assert answer.status_code == 200
    return etree.fromstring(answer.content).findall(path_of(path), NS)


def texts(answer, path):
    return [one.text for one in find_all(answer, path)]


def error(answer):
    assert find(answer, "Ack") == "Failure"
    return int(find(answer, "Errors/ErrorCode"))


def pagination(entries, page=1):
    inside = f"<EntriesPerPage>{entries}</EntriesPerPage><PageNumber>{page}</PageNumber>"
    return f"<Pagination>{inside}</Pagination>"


def written(value):
    """What a JSON body of the truth is in XML: nested pairs of names and texts, in their order."""
    if isinstance(value, dict) and "currencyID" in value:
        return (value["value"], value["currencyID"])
    if isinstance(value, dict):
        return [
            (name, written(one))
            for name, member in value.items()
            for one in (member if isinstance(member, list) else [member])
        ]
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(element):
    if element.get("currencyID"):
        return (element.text, element.get("currencyID"))
    if len(element):
        return [(etree.QName(child).localname, read(child)) for child in element]
    return element.text or ""


def truth(sim, name, seller=SELLER):
    return sim.control("GET", f"/truth/{name}?seller={seller}")[name]


def reset(sim, **sizes):
    """A world of other sizes, its clock standing still at a whole second."""
    sim.control("POST", "/reset", sizes)
    return sim.control("POST", "/clock", {"now": f"{sim.freeze()[:19]}.000Z"})["now"]


def advance(sim, *, days=0, hours=0, seconds=0):
    by_s = days * 86_400 + hours * 3_600 + seconds
    return sim.control("POST", "/clock", {"advance_s": by_s})["now"]
