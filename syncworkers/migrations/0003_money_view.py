"""The read-only view `ebay_finances_transactions`: what people's SQL joins most often.

A later migration that changes a column used here drops the view first and makes it again.
"""

import django.db.models.deletion
from django.db import migrations, models

# Joins on the unique keys: PostgreSQL leaves them out when it only counts, and the fees are summed for the
# rows that are shown.
VIEW = """
CREATE VIEW ebay_finances_transactions AS
SELECT
  t.id, t.account_id, t.house_name, t.transaction_id, t.transaction_type, t.transaction_status, t.occurred_at,
  t.gross,
  coalesce(
    (SELECT sum(f.signed_amount) FROM ebay_finances_fees f
     WHERE f.transaction_id = t.id AND f.currency = t.currency),
    0
  )::numeric(20, 4) AS fees,
  t.net, t.tax, t.currency, t.fee_type, t.memo, t.buyer_username,
  t.order_id, o.total AS order_total, coalesce(o.currency, '') AS order_currency,
  coalesce(o.payment_status, '') AS order_payment_status,
  t.payout_id, coalesce(p.payout_status, '') AS payout_status, p.amount AS payout_amount,
  coalesce(p.currency, '') AS payout_currency, p.occurred_at AS paid_out_at,
  greatest(t.changed_at, p.changed_at, o.changed_at) AS changed_at
FROM ebay_transactions t
LEFT JOIN ebay_payouts p ON p.account_id = t.account_id AND p.payout_id = t.payout_id
LEFT JOIN ebay_orders o ON o.account_id = t.account_id AND o.order_id = t.order_id
"""


class Migration(migrations.Migration):
    dependencies = [("syncworkers", "0002_money_stock_and_passes")]

    operations = [
        migrations.RunSQL(VIEW, "DROP VIEW ebay_finances_transactions"),
        migrations.CreateModel(
            name="MoneyRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.ebayaccount",
                    ),
                ),
                ("house_name", models.CharField(max_length=100)),
                ("transaction_id", models.CharField(max_length=100)),
                ("transaction_type", models.CharField(max_length=40)),
                ("transaction_status", models.CharField(max_length=40)),
                ("occurred_at", models.DateTimeField(null=True)),
                ("gross", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ("fees", models.DecimalField(decimal_places=4, max_digits=20)),
                ("net", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ("tax", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ("currency", models.CharField(max_length=10)),
                ("fee_type", models.CharField(max_length=100)),
                ("memo", models.TextField()),
                ("buyer_username", models.CharField(max_length=200)),
                ("order_id", models.CharField(max_length=100)),
                ("order_total", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ("order_currency", models.CharField(max_length=10)),
                ("order_payment_status", models.CharField(max_length=40)),
                ("payout_id", models.CharField(max_length=100)),
                ("payout_status", models.CharField(max_length=40)),
                ("payout_amount", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ("payout_currency", models.CharField(max_length=10)),
                ("paid_out_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "money row",
                "db_table": "ebay_finances_transactions",
                "ordering": ["-occurred_at", "-id"],
                "managed": False,
            },
        ),
    ]
