"""What the codes of time say."""

from workwire.kernel.wording import register

register(
    "effort",
    refusals={
        "session_ended": "This time session has ended; start another one.",
        "session_stands_still": "This time session does not run.",
        "system_only.time": "Only the clock ends a time session that was forgotten.",
        "time_invalid": "The time is between 0 and {most} seconds.",
        "time_of_other": "The time of an account is corrected by itself and by who leads it.",
        "time_of_other.clock": "Only the account itself runs and stops its clock.",
        "time_of_robot": "The time of a robot is not corrected.",
        "time_session_not_found": "There is no such time session.",
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
