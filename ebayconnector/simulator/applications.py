"""Developer applications: keysets with their RuName and the addresses behind it."""

from dataclasses import dataclass, field

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.scopes import DEFAULT_SCOPES

DEFAULT_CLIENT_ID = "SimulatorApp-SIM-0001"
DEFAULT_CLIENT_SECRET = "SIM-secret-0001-not-a-real-key"
DEFAULT_RUNAME = "Simulator-RuName-1"


@dataclass(slots=True)
class Application:
    client_id: str
    client_secret: str = field(repr=False)
    runame: str
    accept_url: str
    reject_url: str
    scopes: frozenset[str]

    def as_json(self) -> JsonObject:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "runame": self.runame,
            "accept_url": self.accept_url,
            "reject_url": self.reject_url,
            "scopes": sorted(self.scopes),
        }


def default_application(accept_url: str, reject_url: str | None) -> Application:
    return Application(
        client_id=DEFAULT_CLIENT_ID,
        client_secret=DEFAULT_CLIENT_SECRET,
        runame=DEFAULT_RUNAME,
        accept_url=accept_url,
        reject_url=reject_url or accept_url,
        scopes=DEFAULT_SCOPES,
    )
