"""Django's handle on this room."""

from django.apps import AppConfig


class FollowingConfig(AppConfig):
    """Following."""

    name = "workwire.rooms.following"
    label = "following"
