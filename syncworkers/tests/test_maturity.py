from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncworkers.mappers.reading import Maturity
from syncworkers.maturity import next_check

CAME = datetime(2026, 10, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AGES = [HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY]


@pytest.mark.parametrize("occurred_at", [CAME, None])
def test_a_final_one_is_never_read_again(occurred_at):
    assert next_check(Maturity.FINAL, occurred_at, now=CAME) is None


@pytest.mark.parametrize("maturity", [Maturity.SETTLING, Maturity.OPEN])
def test_one_that_may_change_is_read_again_at_these_ages(maturity):
    looks = [CAME]
    for _ in AGES:
        looks.append(next_check(maturity, CAME, now=looks[-1]))
    assert [look - CAME for look in looks[1:]] == AGES


def test_ages_that_have_passed_without_a_look_are_not_made_up_for():
    assert next_check(Maturity.OPEN, CAME, now=CAME + 2 * DAY) == CAME + 3 * DAY


@pytest.mark.parametrize("age", [60 * DAY, 200 * DAY])
def test_after_the_last_age_only_an_open_one_is_read_again_and_that_each_30_days(age):
    now = CAME + age
    assert next_check(Maturity.SETTLING, CAME, now=now) is None
    assert next_check(Maturity.OPEN, CAME, now=now) == now + 30 * DAY


@pytest.mark.parametrize("maturity", [Maturity.SETTLING, Maturity.OPEN])
def test_one_of_unknown_age_is_taken_for_new(maturity):
    assert next_check(maturity, None, now=CAME) == CAME + HOUR
