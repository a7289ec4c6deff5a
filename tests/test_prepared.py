"""Prepared statements: planned once for each session, and right whichever session answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connection, transaction

from ebayconnector import prepared
from ebayconnector.database import execute, fetch_all
from ebayconnector.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

SUM = Prepared("SELECT %(one)s + %(other)s", {"one": "int8", "other": "int8"})


@pytest.fixture(autouse=True)
def new_session():
    connection.close()
    connection.ensure_connection()


def known_statements() -> list[tuple[str, int]]:
    return fetch_all("SELECT name, generic_plans + custom_plans FROM pg_prepared_statements")


def test_a_session_is_told_once():
    assert [SUM.fetch_one({"one": n, "other": 1}) for n in range(3)] == [(1,), (2,), (3,)]
    ((name, plans),) = known_statements()
    assert (name.startswith("prepared_"), plans) == (True, 3)


def test_values_travel_as_what_they_are():
    types = {"moment": "timestamptz", "length": "interval", "words": "text[]", "none": "int4", "text": "text"}
    at = datetime(2026, 11, 21, 8, 25, 43, 511000, tzinfo=UTC)
    words = ["a,b", 'say "x"', "\\", ""]
    values = {
        "moment": at,
        "length": timedelta(days=2, microseconds=1),
        "words": words,
        "none": None,
        "text": "é%s",
    }
    statement = Prepared(f"SELECT {', '.join(f'%({name})s' for name in types)}", types)
    assert statement.fetch_one(values) == tuple(values.values())
    with transaction.atomic():
        assert statement.fetch_one(values) == tuple(values.values())


def test_a_session_that_was_never_told_answers_all_the_same_and_is_told_next_time():
    """A pooler in front of the database may give another one at any time."""
    SUM.fetch_one({"one": 1, "other": 1})
    execute("DEALLOCATE ALL")
    assert SUM.fetch_one({"one": 2, "other": 2}) == (4,)
    assert known_statements() == []
    assert SUM.fetch_one({"one": 3, "other": 3}) == (6,)
    assert len(known_statements()) == 1


def test_a_session_that_another_process_has_told_is_no_error():
    SUM.fetch_one({"one": 1, "other": 1})
    prepared._known.clear()
    assert SUM.fetch_one({"one": 2, "other": 2}) == (4,)


def test_a_column_that_a_migration_has_changed_meanwhile():
    execute("CREATE TEMP TABLE things (id int4, thing int4)")
    execute("INSERT INTO things VALUES (1, 5)")
    statement = Prepared("SELECT thing FROM things WHERE id = %(id)s", {"id": "int4"})
    assert statement.fetch_one({"id": 1}) == (5,)
    execute("ALTER TABLE things ALTER thing TYPE text")
    assert statement.fetch_one({"id": 1}) == ("5",)
    assert statement.fetch_one({"id": 2}) is None


def test_inside_a_transaction_it_takes_part():
    execute("CREATE TEMP TABLE things (thing int4)")
    insert = Prepared("INSERT INTO things VALUES (%(thing)s) RETURNING thing", {"thing": "int4"})
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert insert.fetch_one({"thing": 1}) == (1,)
        1 / 0  # noqa: B018
    assert fetch_all("SELECT * FROM things") == []


def test_a_refusal_is_djangos_exception_and_the_session_goes_on():
    divide = Prepared("SELECT 1 / %(by)s", {"by": "int4"})
    with pytest.raises(DataError, match="division by zero"):
        divide.fetch_one({"by": 0})
    assert divide.fetch_one({"by": 1}) == (1,)


def test_who_counts_statements_sees_it(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert SUM.fetch_one({"one": 1, "other": 1}) == (2,)
