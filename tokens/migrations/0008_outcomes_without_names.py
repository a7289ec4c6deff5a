"""Refused connections were kept in words that named the eBay user; now they are kept without."""

from __future__ import annotations

from django.db import migrations

STATEMENTS = [
    f"UPDATE {table} SET {column} = '{kept}' WHERE {column} LIKE '{pattern}'"
    for table, column in (("tokens_connectticket", "outcome"), ("accounts_auditevent", "result"))
    for pattern, kept in (
        (
            "% belongs to the eBay user %, but % gave the consent%",
            "another eBay user gave the consent; nothing was changed",
        ),
        ("the eBay user % is connected already, as %", "this eBay user is connected already"),
    )
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_notices"),
        ("tokens", "0007_key_ids_of_processes"),
    ]

    # No parameters, so that % stays what it is.
    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in STATEMENTS]
