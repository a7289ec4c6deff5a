"""A database that commits, eBay's simulator without a clock of yesterday, and small pages."""

from __future__ import annotations

import dataclasses

import pytest


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    """Transactions really commit; before and afterwards the tables are emptied."""
    from tests.database import empty_tables

    with django_db_blocker.unblock():
        empty_tables()
        yield
        empty_tables()


@pytest.fixture
def ebay(transactional_db, simulator):
    """The simulator and a committing database: for everything that runs the engine."""
    from tokens import wire

    wire.clock.cache_clear()
    yield simulator
    wire.clock.cache_clear()


@pytest.fixture
def small_pages(monkeypatch):
    """Ten orders a page, so that 60 orders are several pages and 100 are several slices."""
    from syncworkers.registry import WORKERS, Windows

    orders = WORKERS["orders"]
    assert isinstance(orders.reads, Windows)
    small = dataclasses.replace(orders, reads=dataclasses.replace(orders.reads, page_limit=10))
    workers = {"orders": small}
    monkeypatch.setattr("syncworkers.services.execution.WORKERS", workers)
