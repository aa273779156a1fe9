"""The form of what a subscription asks for, to make one and to change one: choices, the object by name, pauses between tries
as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access.sight import LONGEST_WORDS
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Webhook, webhooks
from workwire.reactions.webhooks import catalogue, subscription_objects
from workwire.reactions.webhooks.commands import HIGHEST_RATE, LONGEST_RETRY_SCHEDULE
from workwire.reactions.webhooks.tls_terms import LONGEST_KEY, LONGEST_PEM
from workwire.web.kit.overtaken import VersionedForm
from workwire.web.kit.parts import Words
from workwire.web.webhooks.subscription_parts import KINDS

EVERYTHING = "everything"
ABOUT: dict[str, ObjectType] = {EVERYTHING: ObjectType.NONE, **{kind.public_name.lower(): kind for kind in KINDS}}
FORMATS = (
    ("plain", gettext_lazy("Plain: the record's keys at the top")),
    ("standard", gettext_lazy("Standard Webhooks: type, timestamp and data")),
    ("cloudevents", gettext_lazy("CloudEvents 1.0: one JSON object, the record in data")),
)
COVERS: dict[tuple[ObjectType, bool], Words] = {
    (ObjectType.NONE, False): gettext_lazy(
        "Every record that you may see, whatever it belongs to, at the moment it is sent."
    ),
    (ObjectType.COMPANY, True): gettext_lazy(
        "What belongs to this company: all work of its contracts and services, as far as you may see it."
    ),
    (ObjectType.CONTRACT, True): gettext_lazy(
        "What belongs to this contract: all work of its services, as far as you may see it."
    ),
    (ObjectType.SERVICE, True): gettext_lazy("All work of this service, as far as you may see it."),
    (ObjectType.PACKET, True): gettext_lazy("This work item alone."),
    (ObjectType.SCHEDULE, True): gettext_lazy("This schedule alone."),
    (ObjectType.COMPANY, False): gettext_lazy("Every company that you may see, at the moment it is sent."),
    (ObjectType.SCHEDULE, False): gettext_lazy("Every schedule that you may see, at the moment it is sent."),
}
_RECORD_ALONE = {
    ObjectType.COMPANY: gettext_lazy("This company's own record alone."),
    ObjectType.SCHEDULE: gettext_lazy("This schedule alone."),
}
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PAUSE = re.compile(r"([0-9]{1,7})\s*(s|min|m|h|d)?", re.IGNORECASE)


class PausesField(forms.CharField):
    """Pauses between tries: amounts with a unit, such as `10s 5min 1h`; None where nothing is written."""

    def to_python(self, value: Any) -> Any:
        """The pauses in seconds."""
        written = (super().to_python(value) or "").replace(",", " ").strip()
        if not written:
            return None
        if _PAUSE.sub("", written).strip():
            raise ValidationError(_("Write amounts with s, min, h or d, such as 10s 5min 1h."))
        return [int(amount) * _UNITS[unit.lower()] for amount, unit in _PAUSE.findall(written)]

    def prepare_value(self, value: Any) -> Any:
        """The pauses as people write them."""
        return value if isinstance(value, str) else written_pauses(value)


class PemField(forms.CharField):
    """Certificates in PEM, with the ends of lines that we keep."""

    widget = forms.Textarea({"rows": 3, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """The text without the browser's ends of lines."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class SubscriptionForm(VersionedForm):
    """What a subscription asks for. The names of its fields are those of `commands.Terms`."""

    webhook = forms.ChoiceField(label=gettext_lazy("Webhook"))
    filter_type = forms.ChoiceField(label=gettext_lazy("About"), required=False, widget=forms.RadioSelect)
    looked_for = forms.CharField(label=gettext_lazy("Find it by name"), required=False, max_length=LONGEST_WORDS)
    filter_guid = forms.UUIDField(label=gettext_lazy("Which one"), required=False)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2048,
        help_text=gettext_lazy("An http or https URL that we can reach. Redirects are not followed."),
    )
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=FORMATS, widget=forms.RadioSelect, initial="plain")
    header_name = forms.CharField(label=gettext_lazy("Header of your own"), required=False, max_length=100)
    header_value = forms.CharField(
        label=gettext_lazy("Its value"),
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}, render_value=True),
        help_text=gettext_lazy("Stored encrypted and never shown again."),
    )
    in_order = forms.BooleanField(
        label=gettext_lazy("In order"),
        required=False,
        help_text=gettext_lazy("A message waits until earlier ones of the same record are done. Other records pass."),
    )
    most_per_second = forms.IntegerField(
        label=gettext_lazy("Most a second"), required=False, min_value=1, max_value=HIGHEST_RATE
    )
    retry_schedule = PausesField(
        label=gettext_lazy("Pauses between tries"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Such as 10s 1min 10min 1h, three at least. Empty means the usual pauses."),
    )
    authorities = PemField(
        label=gettext_lazy("Trusted authorities (PEM)"),
        required=False,
        max_length=LONGEST_PEM,
        help_text=gettext_lazy("The endpoint is trusted by these instead of the installation's."),
    )
    client_certificate = PemField(
        label=gettext_lazy("Client certificate (PEM)"),
        required=False,
        max_length=LONGEST_PEM,
    )
    client_key = forms.CharField(
        label=gettext_lazy("Its private key (PEM)"),
        required=False,
        max_length=LONGEST_KEY,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Without a passphrase. Stored encrypted and never shown again."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.data if self.is_bound else self.initial
        self.hook = catalogue.by_name_or_number(str(given.get("webhook") or "")) or webhooks()[1]
        self.initial["webhook"] = self.hook.name
        self.choose("webhook", [(hook.name, f"{hook.name}: {hook.description}") for hook in webhooks().values()])
        kinds = abouts(self.hook)
        self.choose("filter_type", kinds)
        chosen = str(given.get("filter_type") or "")
        self.about = chosen if chosen in dict(kinds) else kinds[0][0]
        self.initial["filter_type"] = self.about

    @property
    def kind(self) -> ObjectType:
        """The kind of object that is chosen now."""
        return ABOUT[self.about]

    @property
    def wants_object(self) -> bool:
        """Whether one object of that kind is to be picked."""
        return self.hook.needs_guid and self.kind != ObjectType.NONE

    def terms(self) -> dict[str, Any]:
        """The terms as commands take them; the form must be valid. An object of another kind than is chosen now is none."""
        sent = self.cleaned_data
        return {
            "webhook": self.hook.number,
            "url": sent["url"],
            "filter_type": self.kind,
            "filter_guid": sent["filter_guid"] if self.wants_object else None,
            "format": sent["format"],
            "header_name": sent["header_name"],
            "in_order": sent["in_order"],
            "retry_schedule": sent["retry_schedule"],
            "most_per_second": sent["most_per_second"],
            "authorities": sent["authorities"],
            "client_certificate": sent["client_certificate"],
        }


class NewSubscriptionForm(SubscriptionForm):
    """The same for a new one: each form that is shown may subscribe once."""

    wish = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=ids.new_guid)


@dataclass(frozen=True, slots=True)
class HookChoice:
    """A webhook that can be chosen, what it tells, and whether it is chosen."""

    name: str
    description: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Picked:
    """An object that can be picked, and whether it is."""

    guid: str
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class About:
    """What the part of the form shows that picks the object: the sentence says what the choice covers."""

    covers: Words
    wants_object: bool
    offered: tuple[Picked, ...]
    has_more: bool
    is_searched: bool


@dataclass(frozen=True, slots=True)
class Tries:
    """The moments of the tries that would follow if one failed now; none where what is written means no pauses."""

    moments: tuple[datetime, ...]
    is_usual: bool


def abouts(hook: Webhook) -> list[tuple[str, Words]]:
    """What a webhook can be about, as choices."""
    everything: list[tuple[str, Words]] = [(EVERYTHING, gettext_lazy("Everything I may see"))]
    named: list[tuple[str, Words]] = [
        (name, KINDS[kind]) for name, kind in ABOUT.items() if kind in hook.filters and kind in KINDS
    ]
    return [*everything, *named] if ObjectType.CONTRACT in hook.filters else named


def hooks_of(form: SubscriptionForm) -> tuple[HookChoice, ...]:
    """The webhooks there are, by number."""
    return tuple(HookChoice(hook.name, hook.description, hook is form.hook) for hook in webhooks().values())


def about_of(form: SubscriptionForm, actor: Actor) -> About:
    """What can be picked: what was looked for, and first of all what is chosen already."""
    kind, words = form.kind, str(form["looked_for"].value() or "")
    if not form.wants_object:
        return About(COVERS[kind, False], False, (), False, False)
    covers = COVERS[kind, True] if ObjectType.CONTRACT in form.hook.filters else _RECORD_ALONE[kind]
    found, has_more = subscription_objects.found(kind, words, by=actor)
    offered = {str(one.guid): one.name for one in found}
    chosen = ids.parse_guid(form["filter_guid"].value())
    if (
        chosen is not None
        and str(chosen) not in offered
        and (name := subscription_objects.name_of(kind, chosen, by=actor))
    ):
        offered = {str(chosen): name, **offered}
    picked = tuple(Picked(guid, name, guid == str(chosen)) for guid, name in offered.items())
    return About(covers, True, picked, has_more, bool(words.strip()))


def tries_of(form: SubscriptionForm) -> Tries:
    """When it would be tried again, from this moment on."""
    try:
        written = form.fields["retry_schedule"].clean(form["retry_schedule"].value())
    except ValidationError:
        return Tries((), False)
    pauses: Sequence[int] = written or settings.CONFIG.webhook_retry_schedule
    moment, moments = clock.now(), []
    for pause in pauses[:LONGEST_RETRY_SCHEDULE]:
        moment += timedelta(seconds=pause)
        moments.append(moment)
    return Tries(tuple(moments), not written)


def written_pauses(pauses: Sequence[int] | None) -> str:
    """Pauses as they are written in the form."""
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    return " ".join(
        next(f"{pause // seconds}{unit}" for unit, seconds in units if pause % seconds == 0) for pause in pauses or ()
    )
