"""Django's handle on this floor."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs and timers."""

    name = "workwire.jobs"
