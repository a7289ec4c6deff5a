"""Marketplaces (REST) and Trading sites, and how they belong together (03 §3.8)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """A Trading site. `name` is the word in Trading's `Site` field, e.g. "Germany"; `currency` ISO 4217."""

    site_id: int
    marketplace_id: str
    name: str
    locale: str
    currency: str


# Where a marketplace has two sites (Belgium, Canada) the first one here stands for it.
SITES: tuple[Site, ...] = (
    Site(0, "EBAY_US", "US", "en-US", "USD"),
    Site(2, "EBAY_CA", "Canada", "en-CA", "CAD"),
    Site(3, "EBAY_GB", "UK", "en-GB", "GBP"),
    Site(15, "EBAY_AU", "Australia", "en-AU", "AUD"),
    Site(16, "EBAY_AT", "Austria", "de-AT", "EUR"),
    Site(23, "EBAY_BE", "Belgium_French", "fr-BE", "EUR"),
    Site(71, "EBAY_FR", "France", "fr-FR", "EUR"),
    Site(77, "EBAY_DE", "Germany", "de-DE", "EUR"),
    Site(100, "EBAY_MOTORS_US", "eBayMotors", "en-US", "USD"),
    Site(101, "EBAY_IT", "Italy", "it-IT", "EUR"),
    Site(123, "EBAY_BE", "Belgium_Dutch", "nl-BE", "EUR"),
    Site(146, "EBAY_NL", "Netherlands", "nl-NL", "EUR"),
    Site(186, "EBAY_ES", "Spain", "es-ES", "EUR"),
    Site(193, "EBAY_CH", "Switzerland", "de-CH", "CHF"),
    Site(201, "EBAY_HK", "HongKong", "zh-HK", "HKD"),
    Site(203, "EBAY_IN", "India", "en-IN", "INR"),
    Site(205, "EBAY_IE", "Ireland", "en-IE", "EUR"),
    Site(207, "EBAY_MY", "Malaysia", "en-MY", "MYR"),
    Site(210, "EBAY_CA", "CanadaFrench", "fr-CA", "CAD"),
    Site(211, "EBAY_PH", "Philippines", "en-PH", "PHP"),
    Site(212, "EBAY_PL", "Poland", "pl-PL", "PLN"),
    Site(216, "EBAY_SG", "Singapore", "en-SG", "SGD"),
)


def site_for_marketplace(marketplace_id: str) -> Site | None:
    """The (main) site of a marketplace such as `EBAY_DE`; None for one that has no Trading site."""
    return next((site for site in SITES if site.marketplace_id == marketplace_id), None)


def site_named(name: str) -> Site | None:
    """The site that Trading calls `name`, e.g. "Germany"; None when we do not know it."""
    return next((site for site in SITES if site.name == name), None)


def site_by_id(site_id: int) -> Site | None:
    """The site with this Trading site id; None when we do not know it."""
    return next((site for site in SITES if site.site_id == site_id), None)
