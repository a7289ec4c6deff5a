from django.db import migrations

# Payouts that the bank sent back may still be paid; and what was open without a look planned, because its
# list had not shown it, is looked for again.
_LOOK_AGAIN = """
UPDATE ebay_payouts SET maturity = 'open', check_at = clock_timestamp()
WHERE payout_status = 'REVERSED' AND maturity = 'final';
UPDATE ebay_cases SET check_at = clock_timestamp()
WHERE maturity = 'open' AND check_at IS NULL AND closed_at IS NULL;
UPDATE ebay_inquiries SET check_at = clock_timestamp()
WHERE maturity = 'open' AND check_at IS NULL AND closed_at IS NULL;
UPDATE ebay_returns SET check_at = clock_timestamp()
WHERE maturity = 'open' AND check_at IS NULL AND closed_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("syncworkers", "0011_cheaper_rows")]

    operations = [migrations.RunSQL(_LOOK_AGAIN, migrations.RunSQL.noop)]
