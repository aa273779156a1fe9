"""What is started by hand from a case, and sending it back in its flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, explained_flow, queries
from workwire.rooms.work.deeds import Deed
from workwire.rooms.work.explained_flow import FlowSeen
from workwire.rooms.work.queries import ProcessType
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Fact
from workwire.web.work.deed_answer import answer_deed, hindrance
from workwire.web.work.deed_forms import DeedForm, Moment
from workwire.web.work.deed_words import WORDS
from workwire.web.work.divide_pages import ConvertForm
from workwire.web.work.item_form import TEMPLATE, ItemForm
from workwire.web.work.item_parts import address_of_deed
from workwire.web.work.new_item import periods_offered
from workwire.web.work.process_choice import case_process

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

MOST_ACTIONS, LONGEST_INSTRUCTIONS = 200, 16 * 1024
_HELD = gettext_lazy("Kept with the item, not visible outside.")


class LaunchForm(DeedForm):
    """Which action is started, how often, and what it is told along."""

    action = forms.ChoiceField(label=gettext_lazy("Action"))
    instructions = forms.CharField(
        label=gettext_lazy("Instructions"),
        required=False,
        max_length=LONGEST_INSTRUCTIONS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Empty: those of the process."),
    )
    due_date = Moment(
        label=gettext_lazy("Due date"), required=False, help_text=gettext_lazy("Empty: by the rule of the process.")
    )
    times = forms.IntegerField(label=gettext_lazy("How many"), min_value=1, max_value=commands.MOST_LAUNCHED, initial=1)

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Offer what the process of the case lets people start."""
        offered = queries.launchable_actions(item.guid, by=by)[:MOST_ACTIONS]
        self.choose("action", [(str(one.guid), one.work_type.name) for one in offered])

    @property
    def offers_nothing(self) -> bool:
        """Whether there is nothing to start."""
        field: Any = self.fields["action"]
        return not field.choices


class SubCaseForm(ConvertForm):
    """The case that is started below another one."""

    independent = forms.BooleanField(label=gettext_lazy("The case above does not wait for it"), required=False)

    def __init__(self, *given: object, **more: object) -> None:
        super().__init__(*given, **more)  # type: ignore[arg-type]  # as every form
        del self.fields["keep_with_me"]


class ReworkForm(DeedForm):
    """From where the case is worked again, what ends besides, and why."""

    place = forms.ChoiceField(label=gettext_lazy("Begin again at"))
    schedule_period = forms.ChoiceField(label=gettext_lazy("Period"), required=False)
    end_ad_hoc_actions = forms.BooleanField(label=gettext_lazy("End actions that were started by hand"), required=False)
    end_sub_cases = forms.BooleanField(label=gettext_lazy("End sub-cases"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=conversations.LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_HELD,
    )

    def fit_flow(self, case: WorkItem, flow: FlowSeen) -> None:
        """Offer the places that the case has reached, the last step first, and the periods of its schedule."""
        names = {node.key: node.name for step in flow.steps for node in step.nodes}
        steps = {step.number: step.name for step in flow.steps}
        places = []
        for point in sorted(flow.rework, key=lambda one: (-one.stage, bool(one.node))):
            words = {"number": point.stage, "name": steps[point.stage], "action": names.get(point.node, "")}
            said = (
                _("Step %(number)s, %(name)s: %(action)s")
                if point.node
                else _("Step %(number)s, %(name)s: from its beginning")
            )
            places.append((f"{point.stage}:{point.node}", said % words))
        self.choose("place", places)
        schedule = case.process_version.schedule_id
        if schedule is None:
            del self.fields["schedule_period"]
        else:
            self.choose("schedule_period", periods_offered(schedule, _("As it is")))


@page(TEMPLATE, methods=FORM)
def launch_action(visit: Visit, guid: UUID) -> ItemForm | See:
    """Ask which action is started by hand, and start it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    if (hindered := hindrance(visit, item, Deed.LAUNCH_ACTION)) is not None:
        return hindered
    form = visit.form(LaunchForm, version=item.version)
    form.fit(item, by)

    def do() -> WorkItem:
        sent = form.cleaned_data
        commands.launch_action(
            item,
            UUID(sent["action"]),
            by=by,
            instructions=sent["instructions"].replace("\r\n", "\n") or None,
            due_date=sent["due_date"],
            times=sent["times"],
        )
        return item

    warning = _("Nothing of this process is started by hand.") if form.offers_nothing else ""
    return answer_deed(visit, item, Deed.LAUNCH_ACTION, form, do, button=_("Start"), warning=warning)


@page(TEMPLATE, methods=FORM)
def launch_sub_case(visit: Visit, guid: UUID) -> ItemForm | Shown | See:
    """Choose the process of a sub-case, and start it."""
    by, item, deed = visit.actor, queries.item(guid, by=visit.actor), Deed.LAUNCH_SUB_CASE
    if (hindered := hindrance(visit, item, deed)) is not None:
        return hindered
    here = address_of_deed(item, deed)
    version = case_process(visit, item, title=WORDS[deed].button, here=here)
    if isinstance(version, Shown):
        return version
    form = visit.form(SubCaseForm, version=item.version)
    form.fit_process(version)

    def do() -> WorkItem:
        sent = form.cleaned_data
        more: commands.Changes = {"description": sent["description"].replace("\r\n", "\n")}
        if sent["due_date"]:
            more["due_date"] = sent["due_date"]
        if sent.get("schedule_period"):
            more["schedule_period"] = UUID(sent["schedule_period"])
        return commands.launch_sub_case(
            item, version.guid, sent["title"], by=by, independent=sent["independent"], more=more
        )

    preview = (
        Fact(_("Process"), version.process.work_type.name),
        Fact(_("This case"), _("It waits until the sub-case ends, unless you say otherwise.")),
    )
    return answer_deed(
        visit, item, deed, form, do, here=f"{here}?process={version.process.guid}", button=_("Start"), preview=preview
    )


@page(TEMPLATE, methods=FORM)
def rework(visit: Visit, guid: UUID) -> ItemForm | See:
    """Ask from where a case is worked again, say what ends, and send it back."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    if (hindered := hindrance(visit, item, Deed.REWORK)) is not None:
        return hindered
    case = queries.parent_of(item) if item.kind == ProcessType.ACTION else item
    if case is None:
        raise not_found("case")
    form = visit.form(ReworkForm, version=item.version)
    flow = explained_flow.flow_of(case.guid, by=by)
    form.fit_flow(flow.case, flow)

    def do() -> WorkItem:
        sent = form.cleaned_data
        step, _colon, node = sent["place"].partition(":")
        return conversations.rework(
            item,
            int(step),
            by=by,
            note=sent["note"],
            node=UUID(node) if node else None,
            end_sub_cases=sent["end_sub_cases"],
            end_ad_hoc_actions=sent["end_ad_hoc_actions"],
            schedule_period=UUID(sent["schedule_period"]) if sent.get("schedule_period") else None,
            version=sent["version"],
        )

    return answer_deed(visit, item, Deed.REWORK, form, do, fields={"step": "place"}, preview=_preview(flow.case))


def _preview(case: WorkItem) -> tuple[Fact, ...]:
    """What ends for sure, and what does where it is wished."""
    below = queries.open_items_under(case)
    of_flow = below.filter(kind=ProcessType.ACTION, ad_hoc=False).count()
    by_hand = below.filter(kind=ProcessType.ACTION, ad_hoc=True).count()
    cases = below.filter(kind=ProcessType.CASE).count()
    said = ngettext(
        "%(count)s open action of the flow: what lies behind the place you choose is closed and begins again.",
        "%(count)s open actions of the flow: what lies behind the place you choose is closed and begins again.",
        of_flow,
    )
    told = [Fact(_("Flow"), said % {"count": number_format(of_flow)})]
    if by_hand:
        told.append(
            Fact(_("Started by hand"), _("Open: %(count)s. Kept unless you tick the box below.") % {"count": by_hand})
        )
    if cases:
        told.append(Fact(_("Sub-cases"), _("Open: %(count)s. Kept unless you tick the box below.") % {"count": cases}))
    return tuple(told)
