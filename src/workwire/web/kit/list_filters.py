"""The filters that lists have in common, by record and by time: as an address writes them, as chips and as a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.web.kit.named_records import LONGEST_RECORD, record_named
from workwire.web.kit.parts import Chip, Words, address
from workwire.web.kit.time_filters import AGES, as_shown, as_written, moment_of


@dataclass(frozen=True, slots=True)
class ListFilters:
    """The filters of an address that mean something, each as it is written there; none is empty."""

    path: str
    given: dict[str, str]

    def address(self, **changes: str | None) -> str:
        """The address of the list with something else, at its beginning."""
        return address(self.path, self.given, **changes)

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.given)

    @property
    def since(self) -> datetime | None:
        """The earliest moment that is wanted."""
        ago = AGES[self.given["since"]][0] if "since" in self.given else None
        first = moment_of(self.given.get("from", ""))
        return max([*([clock.now() - ago] if ago else []), *([first] if first else [])], default=None)

    @property
    def until(self) -> datetime | None:
        """The moment before which everything is wanted."""
        return moment_of(self.given.get("until", ""))

    def record(self, actor: Actor) -> UUID | None:
        """The record that is wanted; one that does not exist for a name of none."""
        return record_named(self.given["record"], actor) or ids.new_guid() if "record" in self.given else None

    def chips_beside(self, own: Mapping[str, tuple[Words, Words]]) -> tuple[Chip, ...]:
        """A chip for each filter that is on, first for the list's `own`, by name with their words and values."""
        shown: dict[str, tuple[Words, Words]] = {
            **own,
            "record": (_("Record"), self.given.get("record", "")),
            "since": (_("Since"), AGES[self.given["since"]][1] if "since" in self.given else ""),
            "from": (_("From"), as_shown(moment_of(self.given.get("from", "")))),
            "until": (_("Until"), as_shown(self.until)),
        }
        return tuple(
            Chip(words, value, self.address(**{name: None}))
            for name, (words, value) in shown.items()
            if name in self.given
        )


class ListFilterForm(forms.Form):
    """The filters by record and age; the fields of the list come before."""

    record = forms.CharField(
        label=gettext_lazy("Record"),
        required=False,
        max_length=LONGEST_RECORD,
        help_text=gettext_lazy("Reference or GUID"),
    )
    since = forms.ChoiceField(label=gettext_lazy("Since"), required=False)

    def __init__(self, filters: ListFilters) -> None:
        super().__init__(initial=filters.given, auto_id="filter_%s")
        self.order_fields([name for name in self.fields if name not in ListFilterForm.base_fields])
        self.offer("since", [("", _("Any time")), *((name, words) for name, (_ago, words) in AGES.items())])

    def offer(self, name: str, choices: list[tuple[str, Words]]) -> None:
        """Set the choices of a field."""
        chosen: Any = self.fields[name]
        chosen.choices = choices


def given_in(sent: QueryDict, own: Mapping[str, str]) -> dict[str, str]:
    """The filters of a query: the list's `own`, and those by record and time. What is empty or not known is left out."""
    record, since = sent.get("record", "").strip(), sent.get("since", "").strip()
    moments = {name: moment_of(sent.get(name, "").strip()) for name in ("from", "until")}
    known = {
        **own,
        "record": record if is_name(record, LONGEST_RECORD) else "",
        "since": since if since in AGES else "",
        **{name: as_written(moment) for name, moment in moments.items() if moment is not None},
    }
    return {name: value for name, value in known.items() if value}


def is_name(written: str, longest: int) -> bool:
    """Whether a text may name something."""
    return 0 < len(written) <= longest and written.isprintable()
