"""Django's handle on this room."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """Conversations."""

    name = "workwire.rooms.conversations"
    label = "conversations"
