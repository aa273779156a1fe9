"""Django's handle on this room."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Catalogue."""

    name = "workwire.rooms.offering"
    label = "catalogue"
