"""Django's handle on the REST API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """REST API."""

    name = "workwire.api"
    label = "api"

    def ready(self) -> None:
        """Have what is kept for a day swept."""
        from workwire.api import idempotency
        from workwire.kernel.chores import Chore, register

        register(Chore("idempotency", 3600.0, idempotency.sweep))
