"""Django's handle on this room."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Access."""

    name = "workwire.access"
    label = "access"
