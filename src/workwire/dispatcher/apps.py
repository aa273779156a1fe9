"""Django's handle on this room."""

from django.apps import AppConfig


class DispatcherConfig(AppConfig):
    """Dispatcher."""

    name = "workwire.dispatcher"
    label = "dispatcher"
