"""Django's handle on this room."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FindingConfig(AppConfig):
    """Finding."""

    name = "workwire.reactions.finding"
    label = "finding"

    def ready(self) -> None:
        """Let the full-text tables, which no model can say, be there however the others came to be."""
        from workwire.reactions.finding.index_state import prepare

        post_migrate.connect(prepare, sender=self)
