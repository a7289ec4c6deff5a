"""What Trading says when something is wrong: codes of 03 §3.2 and their texts by language.

Texts are eBay's in English as far as they are known, the translations are in its manner: clients must look at
codes (03 §0, 8). Codes marked so below are not in 03 (unverified).
"""

from dataclasses import dataclass

UNSUPPORTED_CALL = 2
BAD_XML = 5  # unverified: also what no schema allows, such as a word for a number
BAD_INPUT = 37  # unverified: a value that cannot be
PAGE_OUT_OF_RANGE = 340
APPLICATION_LIMIT = 518
NO_TOKEN = 930
BAD_TOKEN = 931
INTERNAL_ERROR = 10007
MISSING_INPUT = 10009
BAD_HEADER = 10012  # unverified
UNKNOWN_MESSAGE = 20118  # unverified
INVALID_IAF_TOKEN = 21916984
EXPIRED_IAF_TOKEN = 21917053
SELLER_LIMIT = 21919144

SYSTEM_ERRORS = frozenset({INTERNAL_ERROR})

_TEXTS: dict[int, dict[str, str]] = {
    UNSUPPORTED_CALL: {
        "en": "Unsupported API call.",
        "de": "Nicht unterstützter API-Aufruf.",
        "fr": "Appel API non pris en charge.",
    },
    BAD_XML: {"en": "XML Parse error.", "de": "XML-Analysefehler.", "fr": "Erreur d'analyse XML."},
    BAD_INPUT: {
        "en": "Input data is invalid.",
        "de": "Eingabedaten sind ungültig.",
        "fr": "Les données saisies ne sont pas valides.",
    },
    PAGE_OUT_OF_RANGE: {
        "en": "Page number is out of range.",
        "de": "Ungültige Seitenzahl.",
        "fr": "Numéro de page hors limites.",
    },
    APPLICATION_LIMIT: {
        "en": "Your application has exceeded usage limit on this call.",
        "de": "Ihre Anwendung hat das Nutzungslimit für diesen Aufruf überschritten.",
        "fr": "Votre application a dépassé la limite d'utilisation pour cet appel.",
    },
    NO_TOKEN: {
        "en": "No XML token was found in the request.",
        "de": "Kein Token gefunden.",
        "fr": "Aucun jeton trouvé.",
    },
    BAD_TOKEN: {
        "en": "Auth token is invalid.",
        "de": "Authentifizierungs-Token ist ungültig.",
        "fr": "Le jeton d'authentification est non valide.",
    },
    932: {
        "en": "Auth token is hard expired.",
        "de": "Authentifizierungs-Token ist abgelaufen.",
        "fr": "Le jeton d'authentification a expiré.",
    },
    INTERNAL_ERROR: {
        "en": "Internal error to the application.",
        "de": "Interner Anwendungsfehler.",
        "fr": "Erreur interne de l'application.",
    },
    MISSING_INPUT: {
        "en": "Required input is missing.",
        "de": "Erforderliche Eingabe fehlt.",
        "fr": "Une donnée obligatoire est manquante.",
    },
    BAD_HEADER: {
        "en": "Invalid value for header.",
        "de": "Ungültiger Header-Wert.",
        "fr": "Valeur d'en-tête non valide.",
    },
    16110: {"en": "Token expired or revoked.", "de": "Token abgelaufen.", "fr": "Jeton expiré ou révoqué."},
    17470: {
        "en": "Please login again now. Your security token has expired.",
        "de": "Bitte melden Sie sich erneut an. Ihr Sicherheitstoken ist abgelaufen.",
        "fr": "Veuillez ouvrir une nouvelle session. Votre jeton de sécurité a expiré.",
    },
    UNKNOWN_MESSAGE: {
        "en": "Message not found.",
        "de": "Nachricht nicht gefunden.",
        "fr": "Message introuvable.",
    },
    INVALID_IAF_TOKEN: {
        "en": "Invalid IAF token.",
        "de": "Ungültiger IAF-Token.",
        "fr": "Jeton IAF non valide.",
    },
    EXPIRED_IAF_TOKEN: {
        "en": "Expired IAF token.",
        "de": "IAF-Token abgelaufen.",
        "fr": "Jeton IAF expiré.",
    },
    SELLER_LIMIT: {
        "en": "The seller has exceeded the call limit.",
        "de": "Das Aufruflimit des Verkäufers wurde überschritten.",
        "fr": "Le vendeur a dépassé la limite d'appels.",
    },
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One `Errors` element; `values` become ErrorParameters."""

    code: int
    values: tuple[str, ...] = ()
    warning: bool = False


class TradingFailure(Exception):
    """The call fails; each problem becomes an `Errors` element of the answer."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(str(problem.code) for problem in problems))
        self.problems = problems


def error_text(code: int, language: str) -> str:
    texts = _TEXTS.get(code, {})
    return texts.get(language) or texts.get("en") or f"Error {code}."
