"""Django's handle on the outbox."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class OutboxConfig(AppConfig):
    """The outbox."""

    name = "workwire.outbox"

    def ready(self) -> None:
        """Let every process go by the time of the database that all share."""
        from workwire.outbox import database_time

        connection_created.connect(database_time.on_connection)
