"""The Trading API's envelope: requests read safely, answers and localised errors written (03 §3.1)."""

from dataclasses import dataclass
from typing import Any

from lxml import etree
from starlette.responses import Response

from ebayconnector.simulator.times import iso

NAMESPACE = "urn:ebay:apis:eBLBaseComponents"
VERSION, BUILD = "1423", "E1423_CORE_API_19187371_R1"

SYSTEM_ERRORS = frozenset({10007})

# Short texts by language; eBay localises by site, clients must look at codes (03 §0, 8).
_TEXTS: dict[int, dict[str, str]] = {
    2: {
        "en": "Unsupported API call.",
        "de": "Nicht unterstützter API-Aufruf.",
        "fr": "Appel API non pris en charge.",
    },
    5: {"en": "XML Parse error.", "de": "XML-Analysefehler.", "fr": "Erreur d'analyse XML."},
    340: {
        "en": "Page number is out of range.",
        "de": "Ungültige Seitenzahl.",
        "fr": "Numéro de page hors limites.",
    },
    518: {
        "en": "Your application has exceeded usage limit on this call.",
        "de": "Ihre Anwendung hat das Nutzungslimit für diesen Aufruf überschritten.",
        "fr": "Votre application a dépassé la limite d'utilisation pour cet appel.",
    },
    930: {
        "en": "No XML token was found in the request.",
        "de": "Kein Token gefunden.",
        "fr": "Aucun jeton trouvé.",
    },
    931: {
        "en": "Auth token is invalid.",
        "de": "Authentifizierungs-Token ist ungültig.",
        "fr": "Le jeton d'authentification est non valide.",
    },
    932: {
        "en": "Auth token is hard expired.",
        "de": "Authentifizierungs-Token ist abgelaufen.",
        "fr": "Le jeton d'authentification a expiré.",
    },
    10007: {
        "en": "Internal error to the application.",
        "de": "Interner Anwendungsfehler.",
        "fr": "Erreur interne de l'application.",
    },
    10012: {
        "en": "Invalid value for header.",
        "de": "Ungültiger Header-Wert.",
        "fr": "Valeur d'en-tête non valide.",
    },
    16110: {"en": "Token expired or revoked.", "de": "Token abgelaufen.", "fr": "Jeton expiré ou révoqué."},
    21916984: {
        "en": "Invalid IAF token.",
        "de": "Ungültiger IAF-Token.",
        "fr": "Jeton IAF non valide.",
    },
    21917053: {"en": "Expired IAF token.", "de": "IAF-Token abgelaufen.", "fr": "Jeton IAF expiré."},
}


@dataclass(frozen=True, slots=True)
class TradingCall:
    """One call as it came: `name` from the header, `root` None when the XML cannot be read."""

    name: str
    language: str
    at_ms: int
    root: etree._Element | None

    def text(self, path: str) -> str | None:
        """Text of an element below the root, by local names joined with `/`; None when absent or empty."""
        if self.root is None:
            return None
        steps = "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))
        found = self.root.findtext(steps)
        return found.strip() or None if found else None


def read_xml(body: bytes) -> etree._Element | None:
    """The root element; None for anything that is no XML, or that carries a DTD."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    docinfo: Any = root.getroottree().docinfo
    return None if docinfo.doctype else root


def root_element(name: str) -> etree._Element:
    """An element of the default namespace, without a prefix."""
    namespaces: Any = {None: NAMESPACE}  # the stubs do not know the default namespace
    return etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=namespaces)


def element(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child


def _envelope(call: TradingCall, ack: str) -> etree._Element:
    root = root_element(f"{call.name or 'Unknown'}Response")
    element(root, "Timestamp", iso(call.at_ms))
    element(root, "Ack", ack)
    message_id = call.text("MessageID")
    if message_id:
        element(root, "CorrelationID", message_id)
    return root


def _close(root: etree._Element) -> Response:
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Response(body, media_type="text/xml")


def success(call: TradingCall, *children: etree._Element) -> Response:
    root = _envelope(call, "Success")
    element(root, "Version", VERSION)
    element(root, "Build", BUILD)
    root.extend(children)
    return _close(root)


def failure(call: TradingCall, code: int, *values: str) -> Response:
    """`Ack` Failure with status 200; `values` become ErrorParameters."""
    root = _envelope(call, "Failure")
    errors = element(root, "Errors")
    text = _text(code, call.language)
    element(errors, "ShortMessage", text)
    element(errors, "LongMessage", f"{text} {' '.join(values)}".strip())
    element(errors, "ErrorCode", str(code))
    element(errors, "SeverityCode", "Error")
    for at, value in enumerate(values):
        parameter = element(errors, "ErrorParameters")
        parameter.set("ParamID", str(at))
        element(parameter, "Value", value)
    element(errors, "ErrorClassification", "SystemError" if code in SYSTEM_ERRORS else "RequestError")
    element(root, "Version", VERSION)
    element(root, "Build", BUILD)
    return _close(root)


def _text(code: int, language: str) -> str:
    texts = _TEXTS.get(code, {})
    return texts.get(language) or texts.get("en") or f"Error {code}."
