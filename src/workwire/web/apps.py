"""Django's handle on the pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages."""

    name = "workwire.web"
    label = "web"
