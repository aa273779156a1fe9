"""Django's handle on the REST API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """REST API."""

    name = "workwire.api"
    label = "api"
