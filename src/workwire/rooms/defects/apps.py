"""Django's handle on this room."""

from django.apps import AppConfig


class DefectsConfig(AppConfig):
    """Defects."""

    name = "workwire.rooms.defects"
    label = "defects"
