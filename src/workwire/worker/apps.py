"""Django's handle on this room."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """Worker."""

    name = "workwire.worker"
    label = "dispatcher"  # as in the migrations of existing installations
