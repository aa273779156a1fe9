"""The only page that knows everyone: makes sure every event type is registered before anything records or reads one."""

from django.apps import AppConfig


class WiringConfig(AppConfig):
    """Loaded last, when all rooms are there."""

    name = "workwire.wiring"
    label = "wiring"
    path = ""

    def ready(self) -> None:
        """Import the event types of every room, in one place and in a fixed order, and tell rooms of each other."""
        from workwire.access import events as _access  # noqa: F401 - registers
        from workwire.access import ports
        from workwire.outbox import documented_webhooks as _business_objects  # noqa: F401 - registers
        from workwire.reactions.webhooks import events as _subscriptions  # noqa: F401 - registers
        from workwire.rooms.commitments import events as _commitments  # noqa: F401 - registers
        from workwire.rooms.conversations import events as _conversations  # noqa: F401 - registers
        from workwire.rooms.files import events as _files  # noqa: F401 - registers
        from workwire.rooms.offering import events as _offering  # noqa: F401 - registers
        from workwire.rooms.parties import events as _parties  # noqa: F401 - registers
        from workwire.rooms.work import events as _work  # noqa: F401 - registers
        from workwire.rooms.work.commands import give_back_all

        ports.on_retirement(give_back_all)
