"""Django's handle on this room."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Files."""

    name = "workwire.rooms.files"
    label = "files"
