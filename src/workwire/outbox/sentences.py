"""What the codes of the ledger say."""

from workwire.kernel.wording import register

register(
    "outbox",
    refusals={
        "ledger_busy": "A long change is under way; try again in a moment.",
    },
    explanations={
        "event_named": "{kind:event_kind}",
    },
)
