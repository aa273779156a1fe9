"""What the codes of time say."""

from workwire.kernel.wording import counted, register

register(
    "effort",
    refusals={
        "effort_one_of": "Give what is expected in all, or of the rest; not both.",
        "expected_below_created": "What was created of the case is expected to take {least} minutes; all of it takes no less.",
        "expected_invalid": "The expected time is between 0 and {most} minutes.",
        "rest_of_case_only": "Only a case has work that was not created yet.",
        "session_ended": "This time session has ended; start another one.",
        "session_stands_still": "This time session does not run.",
        "system_only.time": "Only the clock ends a time session that was forgotten.",
        "time_invalid": "The time is between 0 and {most} seconds.",
        "time_of_other": "The time of an account is corrected by itself and by who leads it.",
        "time_of_other.clock": "Only the account itself runs and stops its clock.",
        "time_of_robot": "The time of a robot is not corrected.",
        "time_session_not_found": "There is no such time session.",
    },
    explanations={
        "effort.by_hand": "{name} set it to {minutes} minutes.",
        "effort.created": "{minutes} minutes of it are expected of the {parts} actions and sub-cases there are.",
        "effort.nothing_given": "The process says nothing about how long it takes.",
        "effort.per_record": counted(
            "records",
            "The process expects {each} minutes a record; {records} record makes {minutes} minutes.",
            "The process expects {each} minutes a record; {records} records make {minutes} minutes.",
        ),
        "effort.raised": "What was created takes more than there was for it, which raised the total to {minutes} minutes.",
        "effort.rest": "{minutes} minutes are left for work that was not created yet.",
    },
    words={
        "event_kind": {
            "TimeSessionStarted": "Time session started",
            "TimeSessionPaused": "Time session paused",
            "TimeSessionEnded": "Time session ended",
            "TimeSessionCorrected": "Time corrected",
        },
    },
)
