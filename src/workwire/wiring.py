"""The only page that knows everyone: makes sure every event type is registered before anything records or reads one, says
what happens when a timer is due, which kinds of jobs there are, who listens to events, and what codes say."""

from django.apps import AppConfig


class WiringConfig(AppConfig):
    """Loaded last, when all rooms are there."""

    name = "workwire.wiring"
    label = "wiring"
    path = ""

    def ready(self) -> None:
        """Import the event types and kinds of object of every room, in one place and in a fixed order, tell rooms of each
        other, and register the kinds of timers and jobs and the listeners."""
        from workwire.access import events as _access  # noqa: F401 - registers
        from workwire.access import ports, sessions
        from workwire.api import kept_answers
        from workwire.jobs import events as _jobs  # noqa: F401 - registers
        from workwire.jobs import kinds, running, timers
        from workwire.outbox import documented_webhooks as _business_objects  # noqa: F401 - registers
        from workwire.outbox import feeds, listener_feed, listeners
        from workwire.reactions.finding import indexing, rebuilding
        from workwire.reactions.notices import commands as notices
        from workwire.reactions.notices import telling
        from workwire.reactions.webhooks import certificate_reminders, fanning, replays, retention, rotation
        from workwire.reactions.webhooks import events as _subscriptions  # noqa: F401 - registers
        from workwire.reactions.webhooks.models import CERTIFICATE_REMINDER, SECRET_REMINDER
        from workwire.rooms.batches import doing as batches
        from workwire.rooms.batches import events as _batches  # noqa: F401 - registers
        from workwire.rooms.commitments import events as _commitments  # noqa: F401 - registers
        from workwire.rooms.conversations import communication_copies
        from workwire.rooms.conversations import events as _conversations  # noqa: F401 - registers
        from workwire.rooms.defects import events as _defects  # noqa: F401 - registers
        from workwire.rooms.defects.commands import item_defects
        from workwire.rooms.effort import commands as effort
        from workwire.rooms.effort import events as _effort  # noqa: F401 - registers
        from workwire.rooms.files import commands as files
        from workwire.rooms.files import events as _files  # noqa: F401 - registers
        from workwire.rooms.following import dropping
        from workwire.rooms.following import events as _following  # noqa: F401 - registers
        from workwire.rooms.offering import events as _offering  # noqa: F401 - registers
        from workwire.rooms.offering import queries as _offering_objects  # noqa: F401 - registers
        from workwire.rooms.parties import events as _parties  # noqa: F401 - registers
        from workwire.rooms.parties import queries as _parties_objects  # noqa: F401 - registers
        from workwire.rooms.work import commands as work
        from workwire.rooms.work import data_search, item_timers
        from workwire.rooms.work import events as _work  # noqa: F401 - registers
        from workwire.rooms.work import queries as _work_objects  # noqa: F401 - registers
        from workwire.rooms.work.commands import give_back_all, one_time_copies, running_checklists
        from workwire.worker import account_mail, endpoint_probes, mail

        _know_sentences()
        _trace()
        ports.on_retirement(give_back_all)
        item_timers.register(item_timers.WAIT, work.date_reached)
        item_timers.register(item_timers.FEEDBACK_WINDOW, work.close_window)
        one_time_copies.register_copier(one_time_copies.Copied.DEFECTS, item_defects.copy)
        one_time_copies.register_copier(one_time_copies.Copied.COMMUNICATIONS, communication_copies.copy)
        timers.register(effort.FORGOTTEN, effort.ENDING)
        item_timers.register_divided(work.complete_divided)
        item_timers.register_family(item_timers.FAMILY_DATA, work.follow_data)
        item_timers.register_family(item_timers.FAMILY_TITLE, work.follow_title)
        timers.register(SECRET_REMINDER, rotation.REMINDING)
        timers.register(CERTIFICATE_REMINDER, certificate_reminders.REMINDING)
        feeds.register(fanning.FEED)
        listeners.register(telling.LISTENER)
        listeners.register(dropping.LISTENER)
        listeners.register(indexing.LISTENER)
        for mailing in (mail.KIND, account_mail.LINKS, account_mail.WORD):
            kinds.register(mailing)
        kinds.register(replays.KIND)
        kinds.register(endpoint_probes.KIND)
        kinds.register(batches.KIND)
        kinds.register(data_search.KIND)
        kinds.register(running_checklists.KIND)
        kinds.register(rebuilding.KIND)
        for standing in (
            retention.KIND,
            files.SWEEPING,
            sessions.FORGETTING,
            kept_answers.SWEEPING,
            kinds.forgetting("outbox.listeners", listener_feed.forget_removed),
            kinds.forgetting("notices.old", notices.forget_old),
            batches.SWEEPING,
            running.FORGETTING,
        ):
            kinds.register(standing)


def _trace() -> None:
    """Hand spans to OpenTelemetry, where the operator wants that."""
    from django.conf import settings

    from workwire.kernel import spans

    config = settings.CONFIG
    if config.trace_endpoint:
        from workwire.telemetry.opentelemetry_tracer import OpenTelemetryTracer, exporting

        tracer = OpenTelemetryTracer(
            exporting(config.trace_endpoint), instance=config.instance_name, share=config.trace_share
        )
        spans.trace_to(tracer)


def _know_sentences() -> None:
    """Import what the codes of every room and door say."""
    from workwire.access import sentences as _access_sentences  # noqa: F401 - registers
    from workwire.api import sentences as _api_sentences  # noqa: F401 - registers
    from workwire.checks import sentences as _checks_sentences  # noqa: F401 - registers
    from workwire.jobs import sentences as _jobs_sentences  # noqa: F401 - registers
    from workwire.kernel import sentences as _kernel_sentences  # noqa: F401 - registers
    from workwire.outbox import sentences as _outbox_sentences  # noqa: F401 - registers
    from workwire.reactions.finding import sentences as _finding_sentences  # noqa: F401 - registers
    from workwire.reactions.notices import sentences as _notices_sentences  # noqa: F401 - registers
    from workwire.reactions.webhooks import sentences as _webhooks_sentences  # noqa: F401 - registers
    from workwire.rooms.batches import sentences as _batches_sentences  # noqa: F401 - registers
    from workwire.rooms.commitments import sentences as _commitments_sentences  # noqa: F401 - registers
    from workwire.rooms.conversations import sentences as _conversations_sentences  # noqa: F401 - registers
    from workwire.rooms.defects import sentences as _defects_sentences  # noqa: F401 - registers
    from workwire.rooms.effort import sentences as _effort_sentences  # noqa: F401 - registers
    from workwire.rooms.files import sentences as _files_sentences  # noqa: F401 - registers
    from workwire.rooms.following import sentences as _following_sentences  # noqa: F401 - registers
    from workwire.rooms.offering import sentences as _offering_sentences  # noqa: F401 - registers
    from workwire.rooms.parties import sentences as _parties_sentences  # noqa: F401 - registers
    from workwire.rooms.work import sentences as _work_sentences  # noqa: F401 - registers
    from workwire.web import sentences as _web_sentences  # noqa: F401 - registers
    from workwire.webapi import sentences as _webapi_sentences  # noqa: F401 - registers
    from workwire.worker import sentences as _worker_sentences  # noqa: F401 - registers
