import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=120)),
                ("text", models.TextField(blank=True)),
                ("created", models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False)),
            ],
            options={"ordering": ["-created", "-pk"]},
        ),
    ]
