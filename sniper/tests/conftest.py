"""A database that commits, and eBay's simulator with auctions."""

from __future__ import annotations

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
    """The simulator and a committing database."""
    from tokens import wire

    wire.clock.cache_clear()
    yield simulator
    wire.clock.cache_clear()
