"""Django's handle on this room."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """Parties."""

    name = "workwire.rooms.parties"
    label = "parties"
