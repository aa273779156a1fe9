"""Django's handle on this room."""

from django.apps import AppConfig


class CommitmentsConfig(AppConfig):
    """Commitments."""

    name = "workwire.rooms.commitments"
    label = "commitments"
