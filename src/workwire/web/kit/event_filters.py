"""Which events an address asks for: filters by record, kind, account and time, as chips and as a form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import queries as access
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import NotFound
from workwire.outbox.event_pages import SYSTEM, Wanted
from workwire.rooms.work import queries as work
from workwire.web.kit.ledger_parts import kind_words
from workwire.web.kit.parts import Chip, Words, address
from workwire.web.kit.time_filters import AGES, as_shown, as_written, moment_of

LONGEST = 64
OF_SYSTEM = "-"  # in the place of a user name
_TEXTS = ("record", "kind", "account", "since")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of an address that mean something, each as it is written there, empty for none. `more` are those that one
    page has beside."""

    path: str
    given: dict[str, str]
    cursor: str = ""
    moments: dict[str, datetime] = field(default_factory=dict)

    def address(self, **changes: str | None) -> str:
        """The address of the list with something else; it begins anew unless a cursor is given."""
        return address(self.path, self.given, **changes)

    def wanted(self, actor: Actor, names: Collection[str] | None = None) -> Wanted:
        """What to ask the ledger for, among the kinds with some names."""
        given = self.given
        ago = AGES[given["since"]][0] if "since" in given else None
        since = [*([clock.now() - ago] if ago else []), *([self.moments["from"]] if "from" in given else [])]
        account = given.get("account", "")
        return Wanted(
            names=[given["kind"]] if "kind" in given else names,
            record=_record(given["record"], actor) if "record" in given else None,
            account=SYSTEM if account == OF_SYSTEM else access.account_id(account) if account else None,
            since=max(since, default=None),
            until=self.moments.get("until"),
        )

    def chips(self) -> tuple[Chip, ...]:
        """A chip for each filter that is on."""
        account = self.given.get("account", "")
        shown: dict[str, tuple[Words, Words]] = {
            "record": (_("Record"), self.given.get("record", "")),
            "kind": (_("Kind"), kind_words(self.given.get("kind", ""))),
            "account": (_("Account"), _("Workwire itself") if account == OF_SYSTEM else account),
            "since": (_("Since"), AGES[self.given["since"]][1] if "since" in self.given else ""),
            "from": (_("From"), as_shown(self.moments.get("from"))),
            "until": (_("Until"), as_shown(self.moments.get("until"))),
        }
        return tuple(
            Chip(words, value, self.address(**{name: None}))
            for name, (words, value) in shown.items()
            if name in self.given
        )


class FilterForm(forms.Form):
    """The filters that are no segments."""

    record = forms.CharField(
        label=gettext_lazy("Record"),
        required=False,
        max_length=LONGEST,
        help_text=gettext_lazy("Reference or GUID"),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    account = forms.CharField(
        label=gettext_lazy("Account"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("User name; - for what Workwire did by itself"),
    )
    since = forms.ChoiceField(label=gettext_lazy("Since"), required=False)

    def __init__(self, filters: Filters, kinds: Collection[str], *, without: Collection[str] = ()) -> None:
        super().__init__(initial=filters.given, auto_id="filter_%s")
        for name in without:
            del self.fields[name]
        named = sorted(((name, kind_words(name)) for name in kinds), key=lambda one: one[1])
        self._offer("kind", [("", _("All")), *named])
        self._offer("since", [("", _("Any time")), *((name, words) for name, (_ago, words) in AGES.items())])

    def _offer(self, name: str, choices: list[tuple[str, Words]]) -> None:
        chosen: Any = self.fields[name]
        chosen.choices = choices


def read(
    sent: QueryDict, path: str, kinds: Collection[str], more: Mapping[str, Collection[str]] | None = None
) -> Filters:
    """The filters of a query; what is not known counts as not given. `more` are filters of one page, with the values each may
    have."""
    given = {name: sent.get(name, "").strip() for name in (*_TEXTS, "from", "until")}
    moments = {name: found for name in ("from", "until") if (found := moment_of(given[name])) is not None}
    known = {
        **{name: sent[name] for name, values in (more or {}).items() if sent.get(name) in values},
        "record": given["record"] if _is_name(given["record"], LONGEST) else "",
        "kind": given["kind"] if given["kind"] in kinds else "",
        "account": given["account"] if _is_name(given["account"], 150) else "",
        "since": given["since"] if given["since"] in AGES else "",
        **{name: as_written(moment) for name, moment in moments.items()},
    }
    return Filters(path, {name: value for name, value in known.items() if value}, sent.get("cursor", ""), moments)


def _record(written: str, actor: Actor) -> UUID:
    """The record that a GUID or a reference names; none for a reference that may not be seen."""
    try:
        return UUID(written)
    except ValueError:
        pass
    try:
        return work.item_with_reference(written, by=actor).guid
    except NotFound:
        return ids.new_guid()


def _is_name(written: str, longest: int) -> bool:
    return 0 < len(written) <= longest and written.isprintable()
