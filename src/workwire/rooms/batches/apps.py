"""Django's handle on this room."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    """Batches."""

    name = "workwire.rooms.batches"
    label = "batches"
