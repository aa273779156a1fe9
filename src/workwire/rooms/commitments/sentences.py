"""What the codes of due dates and calendars say: refusals, rules, and the steps of a due date."""

from workwire.kernel.wording import counted, register

register(
    "commitments",
    refusals={
        "calendar_name_taken": "A calendar with this name exists already.",
        "calendar_not_found": "There is no such calendar.",
        "calendar_without_hours": "The calendar has no working hours.",
        "country_unknown": "A country is written like DE, a part of it like BY; their public holidays must be known.",
        "date_invalid.exception": "A date is written like 2026-12-24.",
        "date_repeated": "The day {day} is named more than once.",
        "due_date_out_of_range": "The due date lies outside of all calendars.",
        "due_rule_invalid.add_wait_time": "add_wait_time is true or false.",
        "due_rule_invalid.amount": "The amount is a whole number.",
        "due_rule_invalid.amount_too_large": "The amount is at most {hours} hours or {days} days.",
        "due_rule_invalid.choice": "{name} is one of {choices}.",
        "due_rule_invalid.of": "'of' is a name.",
        "due_rule_invalid.of_what": "'of' names the schedule date or the field, and nothing else.",
        "due_rule_invalid.unknown": "A due date rule has no '{name}'.",
        "exceptions_too_many": "A calendar has at most {most} exceptions.",
        "hours_invalid": (
            'Hours are pairs of whole minutes like ["09:00", "17:00"] in local time, in order and '
            "without overlap; 00:00 as an end is midnight."
        ),
        "version_conflict.calendar": "The calendar has been changed since it was read.",
        "week_invalid": "A week must have seven days, Monday first.",
        "week_invalid.no_hours": "A week needs some working hours.",
    },
    explanations={
        "due_rule.after": "{unit:due_amount} after {base:due_from}{adjust:due_adjusted}{waited:due_waited}",
        "due_rule.before": "{unit:due_amount} before {base:due_from}{adjust:due_adjusted}{waited:due_waited}",
        "due_rule.at": "at {base:due_from}{adjust:due_adjusted}{waited:due_waited}",
        "due_step.from_previous_end": "Counted from the end of the action before.",
        "due_step.from_case_start": "Counted from the start of the case.",
        "due_step.from_start": "Counted from the start.",
        "due_step.from_start_instead": "Counted from the start ({base:due_base} is not known).",
        "due_step.no_value": "There is no due date: {base:due_base} '{of}' has no value.",
        "due_step.from_named": "Counted from {base:due_from}.",
        "due_step.from_day": "Counted from {base:due_from}, the beginning of {day} ({zone}).",
        "due_step.added": "Added {unit:due_amount}.",
        "due_step.added_same_time": "Added {unit:due_amount} at the same time of day ({zone}).",
        "due_step.added_working": "Added {unit:due_amount} ({zone}).",
        "due_step.added_passing": "Added {unit:due_amount}, passing over {due_days.idle} without work ({zone}).",
        "due_step.added_passing_holidays": (
            "Added {unit:due_amount}, passing over {due_days.idle} without work ({due_days.holidays} "
            "of holiday) ({zone})."
        ),
        "due_step.taken_off": "Took off {unit:due_amount}.",
        "due_step.taken_off_same_time": "Took off {unit:due_amount} at the same time of day ({zone}).",
        "due_step.taken_off_working": "Took off {unit:due_amount} ({zone}).",
        "due_step.taken_off_passing": "Took off {unit:due_amount}, passing over {due_days.idle} without work ({zone}).",
        "due_step.taken_off_passing_holidays": (
            "Took off {unit:due_amount}, passing over {due_days.idle} without work "
            "({due_days.holidays} of holiday) ({zone})."
        ),
        "due_step.next_morning": "Moved to the next working morning ({zone}).",
        "due_step.end_of_day": "Moved to the end of that working day ({zone}).",
        "due_step.waited": "Added the {lasted} of time that it waited.",
        "due_step.waited_working_time": "Added the {lasted} of working time that it waited.",
        "due_step.by_hand": "Set by hand.",
    },
    words={
        "event_kind": {
            "CalendarCreated": "Calendar made",
            "CalendarUpdated": "Calendar changed",
        },
        "due_amount": {
            "hours": counted("amount", "{amount} hour", "{amount} hours"),
            "working_hours": counted("amount", "{amount} working hour", "{amount} working hours"),
            "days": counted("amount", "{amount} day", "{amount} days"),
            "working_days": counted("amount", "{amount} working day", "{amount} working days"),
        },
        "due_days": {
            "idle": counted("idle", "{idle} day", "{idle} days"),
            "holidays": counted("holidays", "{holidays} day", "{holidays} days"),
        },
        "due_base": {
            "start": "the start",
            "previous_end": "the end of the action before",
            "case_start": "the start of the case",
            "schedule_date": "the schedule date",
            "custom_date": "the field",
        },
        "due_from": {
            "start": "the start",
            "previous_end": "the end of the action before",
            "case_start": "the start of the case",
            "schedule_date": "the schedule date '{of}'",
            "custom_date": "the field '{of}'",
        },
        "due_adjusted": {
            "none": "",
            "next_morning": ", then the next working morning",
            "end_of_day": ", then the end of that working day",
        },
        "due_waited": {
            "none": "",
            "added": ", plus the time waited",
        },
    },
)
