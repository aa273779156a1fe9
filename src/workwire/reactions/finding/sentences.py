"""What the codes of finding say."""

from workwire.kernel.wording import register

register(
    "finding",
    explanations={
        "found_by.guid": "It has this GUID.",
        "found_by.reference": "By its reference.",
        "found_by.value": "By the value of a field with a short code.",
        "found_by.title": "In its title.",
        "found_by.description": "In its description.",
        "found_by.field": "In the field {name}.",
        "found_by.name": "By what it belongs to.",
        "found_by.communication": "Said in {kind:said_in}.",
        "found_by.file_name": "By the name of the file.",
        "found_by.file_note": "In the note of the file.",
        "found_by.person": "By name.",
        "found_by.address": "By mail address, user name or telephone number.",
    },
    words={
        "said_in": {
            "0": "a mail sent",
            "1": "a call received",
            "2": "a mail received",
            "3": "a comment",
            "4": "a note",
            "5": "a call made",
            "6": "a letter received",
            "7": "a letter sent",
        }
    },
)
