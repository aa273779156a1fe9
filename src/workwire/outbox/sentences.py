"""What the codes of the ledger say."""

from workwire.kernel.wording import register

register(
    "outbox",
    refusals={
        "ledger_busy": "A long change is under way; try again in a moment.",
    },
    explanations={
        "event_named": "{kind:event_kind}",
        "sending_held.copied": (
            "The database lies at another place than the one it was sent from; the original may still send. If this one is "
            "to send from now on, run `workwire resume-sending`, or `workwire restored` if its data are those of an earlier "
            "moment."
        ),
        "sending_held.restored": (
            "The database was restored from a backup. Once the original is ended, `workwire restored` begins a new epoch and "
            "lets sending go on."
        ),
        "sending_held.set": "WORKWIRE_SENDING is held: set it to on and restart the workers.",
    },
)
