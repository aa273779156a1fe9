"""Which events an address asks for: beside record and time by kind and account."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import queries as access
from workwire.kernel.actor import Actor
from workwire.outbox.event_pages import SYSTEM, Wanted
from workwire.web.kit.ledger_parts import kind_words
from workwire.web.kit.list_filters import ListFilterForm, ListFilters, given_in, is_name
from workwire.web.kit.parts import Chip

OF_SYSTEM = "-"  # in the place of a user name
_LONGEST_ACCOUNT = 150


@dataclass(frozen=True, slots=True)
class EventFilters(ListFilters):
    """The filters of a list of events."""

    def wanted(self, actor: Actor, names: Collection[str] | None = None) -> Wanted:
        """What to ask the ledger for, among the kinds with some names."""
        account = self.given.get("account", "")
        return Wanted(
            names=[self.given["kind"]] if "kind" in self.given else names,
            record=self.record(actor),
            account=SYSTEM if account == OF_SYSTEM else access.account_id(account) if account else None,
            since=self.since,
            until=self.until,
        )

    def chips(self) -> tuple[Chip, ...]:
        """A chip for each filter that is on."""
        account = self.given.get("account", "")
        return self.chips_beside(
            {
                "kind": (_("Kind"), kind_words(self.given.get("kind", ""))),
                "account": (_("Account"), _("Workwire itself") if account == OF_SYSTEM else account),
            }
        )


class EventFilterForm(ListFilterForm):
    """The filters that are no segments."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    account = forms.CharField(
        label=gettext_lazy("Account"),
        required=False,
        max_length=_LONGEST_ACCOUNT,
        help_text=gettext_lazy("User name; - for what Workwire did by itself"),
    )

    def __init__(self, filters: EventFilters, kinds: Collection[str], *, without: Collection[str] = ()) -> None:
        super().__init__(filters)
        for name in without:
            del self.fields[name]
        named = sorted(((name, kind_words(name)) for name in kinds), key=lambda one: one[1])
        self.offer("kind", [("", _("All")), *named])


def read(
    sent: QueryDict, path: str, kinds: Collection[str], more: Mapping[str, Collection[str]] | None = None
) -> EventFilters:
    """The filters of a query; what is not known counts as not given. `more` are filters of one page, with the values each may
    have."""
    kind, account = sent.get("kind", "").strip(), sent.get("account", "").strip()
    own: dict[str, str] = {
        **{name: value for name, values in (more or {}).items() if (value := sent.get(name, "")) in values},
        "kind": kind if kind in kinds else "",
        "account": account if is_name(account, _LONGEST_ACCOUNT) else "",
    }
    return EventFilters(path, given_in(sent, own))
