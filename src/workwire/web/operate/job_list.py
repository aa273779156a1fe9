"""Jobs: what is done in the background, how far it is, what went wrong; one's own may be cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from workwire.access import commands, queries
from workwire.jobs.queries import Job, JobState, narrowed
from workwire.kernel.pages import page as newest_page
from workwire.web.kit.account_people import person_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, Person, State, Words, address

KINDS: dict[str, Words] = {
    "access.password_changed": gettext_lazy("Say that a password was changed"),
    "access.password_link": gettext_lazy("Mail to an account"),
    "access.sessions": gettext_lazy("Forget old sessions"),
    "api.idempotency": gettext_lazy("Forget old answers of the API"),
    "batches.old": gettext_lazy("Forget old batches"),
    "batches.rows": gettext_lazy("Assign or create many work items"),
    "checklists.running": gettext_lazy("Bring new lines of checklists to running actions"),
    "conversations.mail": gettext_lazy("Send a mail"),
    "data_fields.search": gettext_lazy("Make a field searchable, or no longer"),
    "files.sweep": gettext_lazy("Remove files nobody uses"),
    "finding.rebuild": gettext_lazy("Make the index of quick find anew"),
    "jobs.forget": gettext_lazy("Forget old jobs"),
    "notices.old": gettext_lazy("Forget old notices"),
    "outbox.listeners": gettext_lazy("Forget listeners that are gone"),
    "webhooks.reach": gettext_lazy("Test a connection"),
    "webhooks.replay": gettext_lazy("Send messages again"),
    "webhooks.retention": gettext_lazy("Forget old events and messages"),
}
_STATES: dict[str, State] = {
    JobState.WAITING: State("clock", pgettext_lazy("job", "Waiting"), "todo"),
    JobState.RUNNING: State("activity", pgettext_lazy("job", "Under way"), "run"),
    JobState.DONE: State("circle-check", pgettext_lazy("job", "Done"), "ok"),
    JobState.FAILED: State("circle-x", pgettext_lazy("job", "Given up"), "bad"),
    JobState.CANCELLED: State("circle-pause", pgettext_lazy("job", "Cancelled"), "off"),
}
_FAILING = State("triangle-alert", pgettext_lazy("job", "Failed, is tried again"), "warn")
_CANCELLING = State("circle-pause", pgettext_lazy("job", "Ends with its next piece"), "off")
_OPEN = (JobState.WAITING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the list. `share` is how much is done, from 0 to 100, empty while nobody knows; `next_at` is when its next
    piece or try begins; `cancel` is where it is cancelled, empty where it cannot be."""

    state: State
    kind: Words
    by: Person
    progress: str
    share: str
    began_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None
    error: str
    cancel: str


@dataclass(frozen=True, slots=True)
class JobList:
    """What the page shows; `poll` is the address of the same part of the list, empty where nothing in it moves."""

    crumbs: tuple[Link, ...]
    zone: str
    states: tuple[Link, ...]
    rows: tuple[JobRow, ...]
    poll: str
    pager: Pager
    empty: Empty


@page("operate/jobs.html")
def jobs(visit: Visit) -> JobList:
    """The jobs the account asked for, or all for an administrator."""
    state = visit.request.GET.get("state", "")
    state = state if state in _STATES else ""
    found = narrowed(queries.jobs(by=visit.actor), state=state or None)
    here, given = reverse("jobs"), {"state": state}
    part = part_of(visit, lambda cursor: newest_page(found, cursor=cursor), address(here, given))
    views = (
        Link(_("All"), here, not state),
        *(Link(one.words, address(here, {"state": name}), name == state) for name, one in _STATES.items()),
    )
    return JobList(
        crumbs=(Link(_("Operate"), reverse("operate")), Link(_("Jobs"), is_here=True)),
        zone=visit.look.zone_name,
        states=views,
        rows=tuple(_row(job) for job in part.rows),
        poll=address(here, given, cursor=part.cursor) if any(_moves(job) for job in part.rows) else "",
        pager=part.pager,
        empty=Empty(
            "activity",
            _("No jobs"),
            _("What takes longer is done in the background, such as sending messages again; it appears here."),
            Link(_("See all"), here) if state else None,
        ),
    )


@page("", methods=("POST",))
def cancel(visit: Visit, guid: UUID) -> See:
    """Cancel a job and go back to the list."""
    commands.cancel_job(guid, by=visit.actor)
    visit.tell(_("Cancelled. What it has done stays done."))
    return See(reverse("jobs"))


def _moves(job: Job) -> bool:
    return job.state in _OPEN and not job.standing


def _row(job: Job) -> JobRow:
    is_open = job.state in _OPEN
    return JobRow(
        state=_state(job),
        kind=KINDS.get(job.kind, job.kind),
        by=person_of(job.asked_by) if job.asked_by else Person.of(str(_("Workwire itself"))),
        progress=_progress(job),
        share=str(round(100 * job.done / job.total)) if job.total else "",
        began_at=job.started_at,
        next_at=job.ready_at if is_open else None,
        ended_at=job.ended_at,
        error=job.error_text,
        cancel=reverse("job-cancel", args=[job.guid]) if _moves(job) and job.cancel_asked_at is None else "",
    )


def _state(job: Job) -> State:
    if job.state in _OPEN and job.cancel_asked_at is not None:
        return _CANCELLING
    return _FAILING if job.state in _OPEN and job.error_code else _STATES[job.state]


def _progress(job: Job) -> str:
    done = number_format(job.done, force_grouping=True)
    if not job.total:
        return done if job.done else ""
    return _("%(done)s of %(total)s") % {"done": done, "total": number_format(job.total, force_grouping=True)}
