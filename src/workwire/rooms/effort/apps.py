"""Django's handle on this room."""

from django.apps import AppConfig


class EffortConfig(AppConfig):
    """Effort."""

    name = "workwire.rooms.effort"
    label = "effort"
