"""The tick writes thousands of rows at once: fewer indexes to write them into, and room beside each row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("syncworkers", "0003_money_view"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="syncstate",
            name="workers_due",
        ),
        # A row that finds room in its page is changed there, and no index learns of it.
        migrations.RunSQL(
            "ALTER TABLE ebay_sync_state SET (fillfactor = 50)",
            "ALTER TABLE ebay_sync_state RESET (fillfactor)",
        ),
        migrations.RemoveIndex(
            model_name="workerrun",
            name="runs_by_age",
        ),
        migrations.AlterField(
            model_name="workerrun",
            name="process",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="tokens.processheartbeat",
            ),
        ),
        migrations.AddIndex(
            model_name="workerrun",
            index=models.Index(
                condition=models.Q(("process__isnull", False)), fields=["process"], name="runs_of_process"
            ),
        ),
        migrations.AddIndex(
            model_name="workerrun",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)), fields=["finished_at"], name="runs_by_age"
            ),
        ),
    ]
