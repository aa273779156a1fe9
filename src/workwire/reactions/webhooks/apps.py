"""Django's handle on this room."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WebhooksConfig(AppConfig):
    """Webhooks."""

    name = "workwire.reactions.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        """Let the tables be kept as sending needs it."""
        from workwire.reactions.webhooks.table_storage import set_storage

        post_migrate.connect(set_storage, sender=self)
