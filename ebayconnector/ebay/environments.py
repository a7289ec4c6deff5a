"""eBay's environments and their hosts (03 §0b). There is no default: every caller names the one it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Environment:
    """One eBay: its hosts as base URLs without a trailing slash.

    `auth` serves the consent page, `api` most APIs and Trading, `apiz` Identity and Finances, `apim` Media.
    """

    name: str
    api: str
    apiz: str
    apim: str
    auth: str
    has_post_order: bool

    @property
    def trading_url(self) -> str:
        return f"{self.api}/ws/api.dll"


@dataclass(frozen=True, slots=True)
class Application:
    """A keyset of ours in one environment. `runame` is the redirect name, never a URL (03 §0, 1)."""

    environment: Environment
    client_id: str
    client_secret: str = field(repr=False)
    runame: str


def environment_named(name: str, *, simulator_url: str) -> Environment:
    """The environment `production`, `sandbox` or `simulator`; another name is a ValueError.

    `simulator_url` is used for `simulator` only, where one address serves every eBay host.
    """
    if name == "production":
        return _ebay(name, domain="ebay.com", has_post_order=True)
    if name == "sandbox":
        return _ebay(name, domain="sandbox.ebay.com", has_post_order=False)
    if name == "simulator":
        return _simulator(simulator_url)
    raise ValueError(f"unknown eBay environment {name!r}: production, sandbox or simulator")


def _ebay(name: str, *, domain: str, has_post_order: bool) -> Environment:
    return Environment(
        name=name,
        api=f"https://api.{domain}",
        apiz=f"https://apiz.{domain}",
        apim=f"https://apim.{domain}",
        auth=f"https://auth.{domain}",
        has_post_order=has_post_order,
    )


def _simulator(url: str) -> Environment:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the simulator needs an http address, not {url!r}")
    base = url.rstrip("/")
    return Environment(name="simulator", api=base, apiz=base, apim=base, auth=base, has_post_order=True)
