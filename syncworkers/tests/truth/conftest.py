"""A story begins: the simulator, one or two accounts, and pages so small that everything has many."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def tell(ebay, settings, monkeypatch):
    """`tell(seed, accounts=…)` begins the story of a seed."""
    # Models can be imported only when Django's settings are read.
    from .story import Story
    from .world import BACKFILL, World, with_small_pages

    settings.SYNC_BACKFILL = {family: timedelta(days=days) for family, days in BACKFILL.items()}
    worlds: list[World] = []

    def begin(seed: int, **options) -> Story:
        monkeypatch.setattr("syncworkers.services.execution.WORKERS", with_small_pages(seed))
        worlds.append(World(ebay, seed, **options))
        return Story(worlds[-1])

    yield begin
    for world in worlds:
        world.close()
