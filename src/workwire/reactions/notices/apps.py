"""Django's handle on this room."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Notices."""

    name = "workwire.reactions.notices"
    label = "notices"
