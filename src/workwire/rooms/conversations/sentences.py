"""What the codes of communications say."""

from workwire.kernel.wording import register

register(
    "conversations",
    refusals={
        "address_invalid": "A mail address is written like name@example.org.",
        "communication_empty": "A communication needs a text.",
        "communication_missing": "A ticket is resolved with a mail or a note: write what it came to.",
        "communication_not_found": "There is no such communication.",
        "communication_type_not_allowed": "Self service accounts write comments only; others do not write comments.",
        "communication_type_unknown": "There is no such type of communication.",
        "recipient_missing": "A mail needs at least one recipient.",
        "sender_not_ours": (
            "The sender must be the address of this installation, an address in one of its domains, or your own."
        ),
        "system_only.mail": "Only the worker may record whether a mail was sent.",
        "too_many_recipients": "A mail goes to at most {most} addresses.",
    },
    words={
        "event_kind": {
            "NewCommunication": "Communication added",
            "MailSendingChanged": "Mail sent or failed",
        },
    },
)
