"""Django's handle on this room."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Webhooks."""

    name = "workwire.reactions.webhooks"
    label = "webhooks"
