"""The Trading API's envelope: requests read safely, answers written (03 §3.1)."""

from dataclasses import dataclass
from typing import Any

from lxml import etree
from starlette.responses import Response

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.trading_errors import SYSTEM_ERRORS, Problem, error_text

NAMESPACE = "urn:ebay:apis:eBLBaseComponents"
VERSION, BUILD = "1423", "E1423_CORE_API_19187371_R1"


class CData(str):
    """A text that is written as a CDATA section instead of with escaped entities."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TradingCall:
    """One call as it came: `name` from the header, `root` None when the XML cannot be read."""

    name: str
    language: str
    at_ms: int
    root: etree._Element | None
    site_id: str = ""

    def text(self, path: str) -> str | None:
        """Text of an element below the root, by local names joined with `/`; None when absent or empty."""
        if self.root is None:
            return None
        found = self.root.findtext(_steps(path))
        return found.strip() or None if found else None

    def texts(self, path: str) -> list[str]:
        """Texts of all elements at a path, the empty ones left out."""
        found = [] if self.root is None else self.root.findall(_steps(path))
        return [text for text in ((one.text or "").strip() for one in found) if text]

    def has(self, path: str) -> bool:
        return self.root is not None and self.root.find(_steps(path)) is not None


def _steps(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))


def read_xml(body: bytes) -> etree._Element | None:
    """The root element; None for anything that is no XML, or that carries a DTD."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    docinfo: Any = root.getroottree().docinfo
    return None if docinfo.doctype else root


@dataclass(frozen=True, slots=True)
class Answer:
    """The containers of an answer, in their order, and what is reported beside them."""

    body: JsonObject
    problems: tuple[Problem, ...] = ()

    @property
    def ack(self) -> str:
        if not self.problems:
            return "Success"
        return "Warning" if all(problem.warning for problem in self.problems) else "PartialFailure"


def answer_response(call: TradingCall, answer: Answer) -> Response:
    return _respond(call, answer.ack, answer.problems, answer.body)


def failure(call: TradingCall, code: int, *values: str) -> Response:
    """`Ack` Failure with status 200; `values` become ErrorParameters."""
    return failure_response(call, Problem(code, values))


def failure_response(call: TradingCall, *problems: Problem) -> Response:
    return _respond(call, "Failure", problems, {})


def _respond(call: TradingCall, ack: str, problems: tuple[Problem, ...], body: JsonObject) -> Response:
    namespaces: Any = {None: NAMESPACE}  # the stubs do not know the default namespace
    root = etree.Element(f"{{{NAMESPACE}}}{call.name or 'Unknown'}Response", nsmap=namespaces)
    head: JsonObject = {"Timestamp": iso(call.at_ms), "Ack": ack, "CorrelationID": call.text("MessageID")}
    _write_members(root, head)
    for problem in problems:
        _write_problem(root, problem, call.language)
    _write_members(root, {"Version": VERSION, "Build": BUILD} | body)
    content = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Response(content, media_type="text/xml")


def _write_problem(root: etree._Element, problem: Problem, language: str) -> None:
    text = error_text(problem.code, language)
    errors = _write(root, "Errors", {})
    head = {"ShortMessage": text, "LongMessage": " ".join((text, *problem.values))}
    severity = "Warning" if problem.warning else "Error"
    _write_members(errors, head | {"ErrorCode": problem.code, "SeverityCode": severity})
    for at, value in enumerate(problem.values):
        _write(errors, "ErrorParameters", {"Value": value}).set("ParamID", str(at))
    kind = "SystemError" if problem.code in SYSTEM_ERRORS else "RequestError"
    _write(errors, "ErrorClassification", kind)


def _write_members(parent: etree._Element, members: JsonObject) -> None:
    """None writes nothing, a list one element for each of its values."""
    for name, value in members.items():
        if isinstance(value, list):
            for one in value:
                _write(parent, name, one)
        elif value is not None:
            _write(parent, name, value)


def _write(parent: etree._Element, name: str, value: Any) -> etree._Element:
    """One element. An object with `currencyID` is an amount: `value` its text, the currency an attribute."""
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if isinstance(value, dict) and "currencyID" in value:
        child.set("currencyID", value["currencyID"])
        child.text = value["value"]
    elif isinstance(value, dict):
        _write_members(child, value)
    elif isinstance(value, CData):
        child.text = etree.CDATA(value)
    else:
        child.text = str(value).lower() if isinstance(value, bool) else str(value)
    return child
