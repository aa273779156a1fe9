"""Django's handle on the outbox."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The outbox."""

    name = "workwire.outbox"
