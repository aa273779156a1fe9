"""The form of a replay or a backfill: which range, of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks.log import SLACK
from workwire.reactions.webhooks.models import State, Subscription
from workwire.web.kit.named_records import LONGEST_RECORD, record_named
from workwire.web.kit.parts import Words
from workwire.web.kit.time_filters import moment_of

REPLAY, BACKFILL = "replay", "backfill"
FAILING, BEGINNING, BETWEEN = "failing", "beginning", "between"
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)  # before anything was written
KINDS: dict[str, Words] = {
    REPLAY: gettext_lazy("Messages of the log, again"),
    BACKFILL: gettext_lazy("What was never prepared for it"),
}
STATES: dict[str, tuple[State, Words]] = {
    "gave_up": (State.GAVE_UP, gettext_lazy("Gave up")),
    "withheld": (State.WITHHELD, gettext_lazy("Withheld")),
    "delivered": (State.DELIVERED, gettext_lazy("Delivered")),
}
_AGES: dict[str, tuple[timedelta, Words]] = {
    "24h": (timedelta(hours=24), gettext_lazy("The last 24 hours")),
    "7d": (timedelta(days=7), gettext_lazy("The last 7 days")),
}
_WRITTEN = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Range:
    """What a form asks for; of a backfill only `since` counts."""

    kind: str
    since: datetime
    until: datetime | None
    states: tuple[str, ...]
    record: UUID | None

    def hidden(self) -> tuple[tuple[str, str], ...]:
        """The fields of a form that asks for exactly this again, whatever the time is then."""
        until = (("until", self.until.isoformat()),) if self.until is not None else ()
        record = (("record", str(self.record)),) if self.record is not None else ()
        states = tuple(("states", one) for one in self.states)
        return ("kind", self.kind), ("range", BETWEEN), ("since", self.since.isoformat()), *until, *states, *record


class ReplayForm(forms.Form):
    """Which messages to send again."""

    kind = forms.ChoiceField(label=gettext_lazy("Send"), choices=list(KINDS.items()))
    range = forms.ChoiceField(label=gettext_lazy("Range"))
    since = forms.DateTimeField(label=pgettext_lazy("start of a range", "From"), required=False)
    until = forms.DateTimeField(label=gettext_lazy("Until"), required=False)
    states = forms.MultipleChoiceField(
        label=gettext_lazy("Those that stand as"),
        required=False,
        choices=[(name, words) for name, (_state, words) in STATES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    record = forms.CharField(
        label=gettext_lazy("Only of one record"),
        required=False,
        max_length=LONGEST_RECORD,
        help_text=gettext_lazy("Reference or GUID"),
    )

    def __init__(self, of: Subscription, actor: Actor, sent: QueryDict | None = None, **more: Any) -> None:
        super().__init__(sent, **more)
        self._failing_since, self._actor = of.failing_since, actor
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput({"type": "datetime-local", "step": "1"}, format=_WRITTEN)
        offered: Any = self.fields["range"]
        failing = [(FAILING, _("Since it began to fail"))] if of.failing_since is not None else []
        ages = [(name, words) for name, (_ago, words) in _AGES.items()]
        offered.choices = [*failing, *ages, (BEGINNING, _("From the beginning")), (BETWEEN, _("Between two moments"))]

    def clean(self) -> dict[str, Any]:
        """Check what depends on each other."""
        given = super().clean() or {}
        is_backfill = given.get("kind") == BACKFILL
        if given.get("range") == BETWEEN and not given.get("since") and "since" not in self.errors:
            self.add_error("since", _("Say from when."))
        if is_backfill and given.get("until") and given.get("range") == BETWEEN:
            self.add_error("until", _("What was never prepared is sent up to now: leave this empty."))
        if is_backfill and given.get("record"):
            self.add_error("record", _("What was never prepared is sent of every record: leave this empty."))
        if not is_backfill and "states" not in self.errors and not given.get("states"):
            self.add_error("states", _("Choose at least one."))
        return given

    def clean_record(self) -> UUID | None:
        """The record that is named."""
        written = self.cleaned_data["record"]
        found = record_named(written, self._actor)
        if written and found is None:
            raise forms.ValidationError(_("There is no such record."))
        return found

    def wanted(self) -> Range:
        """What a form that is in order asks for."""
        given = self.cleaned_data
        is_between = given["range"] == BETWEEN
        return Range(
            kind=given["kind"],
            since=given["since"] if is_between else self._beginning(given["range"]),
            until=given["until"] if is_between else None,
            states=tuple(given["states"]) if given["kind"] == REPLAY else (),
            record=given["record"],
        )

    def _beginning(self, name: str) -> datetime:
        if name == FAILING and self._failing_since is not None:
            return self._failing_since - SLACK  # what was on its way when it began
        return clock.now() - _AGES[name][0] if name in _AGES else FIRST_MOMENT


def unsent(of: Subscription, actor: Actor, given: Mapping[str, str]) -> ReplayForm:
    """The form with what an address fills in, or with what is likely wanted."""
    moments = {name: moment_of(given.get(name, "")) for name in ("since", "until")}
    likely = BETWEEN if moments["since"] else FAILING if of.failing_since is not None else next(iter(_AGES))
    states = [one for one in given.get("states", "").split(",") if one in STATES]
    initial = {
        "kind": given.get("kind") if given.get("kind") in KINDS else REPLAY,
        "range": given.get("range", likely),
        "states": states or ["gave_up", "withheld"],
        "record": given.get("record", ""),
        **moments,
    }
    return ReplayForm(of, actor, initial=initial)
