"""What the codes of jobs say."""

from workwire.kernel.wording import register

register(
    "jobs",
    refusals={
        "job_ended": "This job has ended already.",
        "job_not_found": "There is no such job.",
        "job_standing": "A standing job cannot be cancelled.",
    },
    words={
        "event_kind": {
            "JobCancelled": "Job cancelled",
        },
    },
)
