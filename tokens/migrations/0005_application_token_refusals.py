from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0004_health_links_deletions"),
    ]

    operations = [
        migrations.AddField(
            model_name="applicationtoken",
            name="refusals",
            field=models.JSONField(
                default=dict,
                help_text="By API: when a token was minted because it refused one, and how often in a row",
            ),
        ),
    ]
