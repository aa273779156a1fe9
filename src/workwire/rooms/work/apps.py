"""Django's handle on this room."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """Work."""

    name = "workwire.rooms.work"
    label = "work"
