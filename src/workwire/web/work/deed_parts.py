"""What may be done with an item, as the buttons of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workwire.kernel.actor import Actor
from workwire.rooms.work.deeds import Answer, Deed, deeds_of
from workwire.rooms.work.queries import OPEN, WorkItem
from workwire.web.kit.parts import Fact, Words
from workwire.web.work.deed_forms import ASKED, FORMS, DeedForm
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_parts import address_of_deed

_BESIDE = (Deed.RESOLVE, Deed.WAIT, Deed.REJECT)  # their forms open beside their buttons
_FIRST = (Deed.SUBMIT, Deed.ACKNOWLEDGE, Deed.TAKE, Deed.NEXT_STEP, Deed.RESOLVE, Deed.REOPEN, Deed.WAIT, Deed.REJECT)
_LEADING = frozenset(_FIRST) - {Deed.WAIT, Deed.REJECT}  # which lead the work on, where they are possible
_KEYS = {Deed.UPDATE: "e", Deed.ASSIGN: "a"}
_WORTH_SAYING = (Deed.TAKE, Deed.RESOLVE, Deed.NEXT_STEP, Deed.REOPEN)
_TOLD = frozenset(
    {"already_assigned", "case_has_open_work", "checklist_open", "feedback_window_passed", "step_not_done"}
    | {"robot_suspended", "waits_for_related_work"}
)  # refusals that say more than where the item stands
_SOMETIMES = (Deed.REWORK, Deed.LAUNCH_ACTION, Deed.LAUNCH_SUB_CASE, Deed.MERGE, Deed.SPLIT, Deed.CONVERT, Deed.ABORT)
_OF_RIGHTS = ("feature_missing", "reassign_forbidden")  # what one may not do is not named


@dataclass(frozen=True, slots=True)
class Button:
    """One deed: done by its button alone, with the form that opens beside it, or on a page of its own; `key` opens it."""

    words: Words
    address: str
    is_primary: bool
    is_done_at_once: bool
    form: DeedForm | None
    key: str


@dataclass(frozen=True, slots=True)
class Deeds:
    """What may be done: the usual first, the rest in a menu, with what is not possible now and why; and why something expected
    is not possible."""

    version: int
    usual: tuple[Button, ...]
    more: tuple[Button, ...]
    not_now: tuple[Fact, ...]
    reasons: tuple[Fact, ...]
    may_edit: bool


def deeds_at(item: WorkItem, actor: Actor) -> Deeds:
    """What the actor may do with an item now."""
    answers = {one.deed: one for one in deeds_of(item, by=actor)}
    possible = [deed for deed, one in answers.items() if one.is_possible]
    usual = [deed for deed in _FIRST if deed in possible]
    return Deeds(
        version=item.version,
        usual=tuple(_button(deed, item, actor, is_primary=deed == usual[0] and deed in _LEADING) for deed in usual),
        more=tuple(_button(deed, item, actor) for deed in possible if deed not in usual),
        not_now=_not_now(answers) if item.status in OPEN else (),
        reasons=_reasons(answers),
        may_edit=Deed.UPDATE in possible,
    )


def _button(deed: Deed, item: WorkItem, actor: Actor, *, is_primary: bool = False) -> Button:
    form = None
    if deed in _BESIDE:
        form = FORMS[deed](initial={"version": item.version}, auto_id=f"id_{deed}_%s")
        form.fit(item, actor)
    at_once = deed not in ASKED and not WORDS[deed].warning
    return Button(WORDS[deed].button, address_of_deed(item, deed), is_primary, at_once, form, _KEYS.get(deed, ""))


def _not_now(answers: Mapping[Deed, Answer]) -> tuple[Fact, ...]:
    """What one may do at other times, and what holds it up."""
    refused = ((deed, answers[deed].refusal) for deed in _SOMETIMES if deed in answers)
    return tuple(
        Fact(WORDS[deed].button, refusal.sentence())
        for deed, refusal in refused
        if refusal is not None and refusal.code.partition(".")[0] not in _OF_RIGHTS
    )


def _reasons(answers: Mapping[Deed, Answer]) -> tuple[Fact, ...]:
    """What holds up something usual."""
    refused = ((deed, answers[deed].refusal) for deed in _WORTH_SAYING if deed in answers)
    return tuple(
        Fact(str(WORDS[deed].button), refusal.sentence())
        for deed, refusal in refused
        if refusal is not None and refusal.code.partition(".")[0] in _TOLD
    )
