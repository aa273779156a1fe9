"""Custom data fields: defined once for the installation, retired rather than removed.

When a field gets a short code, or loses it, a job (`SEARCH_JOB`) brings what a search looks through into line with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs.commands import ensure
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import added, altered, columns
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.offering import events, fields
from workwire.rooms.offering.commands.saving import prose, save, taken
from workwire.rooms.offering.fields import DEEPEST_LEVEL, TABLE_KINDS
from workwire.rooms.offering.models import DataField, FieldKind

LONGEST_NAME = 100
LONGEST_OPTIONS = 256 * 1024
LONGEST_CODE = 2
SEARCHABLE_KINDS = (FieldKind.SHORT_TEXT, FieldKind.LIST)
KINDS_WITHOUT_DEFAULT = (FieldKind.MULTI_LEVEL_LIST, FieldKind.DECIMAL, FieldKind.TABLE)
RESERVED_CODES = frozenset({"R", "RE", "FW", "T", "S", "SD", "DD", "ED", "AU", "OU", "RD"})
SEARCH_JOB = "data_fields.search"


class FieldChanges(TypedDict, total=False):
    """What may be changed of a field; its kind, and whether it is private, never do, for values of it are kept. A default of
    None is none, and so is an empty short code."""

    description: str
    options: Mapping[str, Any]
    default: Any
    short_code: str | None
    retired: bool


@transaction.atomic
def create_data_field(
    name: str,
    kind: FieldKind,
    *,
    by: Actor,
    options: Mapping[str, Any] | None = None,
    default: Any = None,
    short_code: str | None = None,
    description: str = "",
    private: bool = False,
) -> DataField:
    """Define a custom data field; a list needs ``values``, a multi-level list a ``tree``, a table ``columns``. New tickets and
    cases begin with the `default`; a field with a `short_code` can be searched for. The values of a `private` one are those of
    one item each, others are shared in a family."""
    require(by, features.DATA_FIELDS)
    name = text.name(name, longest=LONGEST_NAME)
    field = DataField(
        name=name,
        kind=kind,
        options=_options(kind, options or {}),
        description=prose(description),
        private=private,
    )
    field.default = _default(field, default)
    field.short_code = _free_code(field, short_code)
    save(field, "data_field")
    record(events.DataFieldCreated(**_body(field)), about=_about(field), by=by, changes=added(field))
    return field


@transaction.atomic
def update_data_field(
    field: DataField, *, by: Actor, version: int | None = None, **changes: Unpack[FieldChanges]
) -> DataField:
    """Change a field; values that were kept before stay as they are. Raises Conflict for a version that has passed."""
    require(by, features.DATA_FIELDS)
    found = DataField.objects.select_for_update().filter(pk=field.pk).first()
    if found is None:
        raise not_found("data_field")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.data_field")
    before = columns(found)
    if "description" in changes:
        found.description = prose(changes["description"])
    if "options" in changes:
        found.options = _options(FieldKind(found.kind), changes["options"])
    if "default" in changes or "options" in changes:
        found.default = _default(found, changes.get("default", found.default))
    if "short_code" in changes:
        found.short_code = _free_code(found, changes["short_code"])
    found.retired = changes.get("retired", found.retired)
    if columns(found) != before:
        found.version += 1
        save(found, "short_code")
        if bool(found.short_code) != bool(before["short_code"]):
            ensure(SEARCH_JOB, by=by, subject=found.guid)
        record(events.DataFieldUpdated(**_body(found)), about=_about(found), by=by, changes=altered(found, before))
    return found


def _default(field: DataField, given: Any) -> Any:
    """The default of a field in the form in which values are kept; raises Invalid for one that its kind or its list does not
    take."""
    if given is None or given == "":
        return None
    if field.kind in KINDS_WITHOUT_DEFAULT:
        raise Invalid("default_not_for_kind", field="default")
    try:
        return fields.read(field, given)
    except Invalid as error:
        raise error.as_a(Invalid, field="default") from error


def _free_code(field: DataField, given: str | None) -> str:
    """A short code in capitals; raises Invalid for one that is none, is reserved or is not for this kind, Conflict for one
    that another field has."""
    code = (given or "").strip().upper()
    if not code:
        return ""
    if field.kind not in SEARCHABLE_KINDS:
        raise Invalid("short_code_not_for_kind", field="short_code")
    if len(code) > LONGEST_CODE or not (code.isascii() and code.isalnum()):
        raise Invalid("short_code_invalid", field="short_code", most=LONGEST_CODE)
    if code in RESERVED_CODES:
        raise Invalid("short_code_reserved", field="short_code", code=code)
    if DataField.objects.filter(short_code=code).exclude(pk=field.pk).exists():
        raise taken("short_code")
    return code


def _options(kind: FieldKind, given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {FieldKind.LIST: "values", FieldKind.MULTI_LEVEL_LIST: "tree", FieldKind.TABLE: "columns"}.get(kind)
    options = text.json_object(given, field="options", longest=LONGEST_OPTIONS)
    if set(options) != ({wanted} if wanted else set()):
        if wanted is None:
            raise Invalid("options_invalid.none", field="options")
        raise Invalid("options_invalid.wanted", field="options", option=wanted)
    check = {"values": _are_values, "tree": _is_tree, "columns": _are_columns}.get(wanted or "")
    if check is not None and not check(options[wanted or ""]):
        raise Invalid("options_invalid", field="options", option=wanted)
    return options


def _are_values(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(_is_value(value) for value in given)


def _is_tree(given: Any, depth: int = 1) -> bool:
    if not isinstance(given, dict) or depth > DEEPEST_LEVEL + 1 or (depth == 1 and not given):
        return False
    return all(_is_value(value) and _is_tree(below, depth + 1) for value, below in given.items())


def _are_columns(given: Any) -> bool:
    if not isinstance(given, dict) or not 1 <= len(given) <= 50:
        return False
    names = {folding.key(str(name)) for name in given}
    return len(names) == len(given) and all(_is_value(name) and kind in TABLE_KINDS for name, kind in given.items())


def _is_value(given: Any) -> bool:
    return isinstance(given, str) and 0 < len(given.strip()) <= 200


def _body(field: DataField) -> dict[str, Any]:
    return {"GUID": str(field.guid), "Name": field.name, "Kind": field.kind, "Retired": field.retired}


def _about(field: DataField) -> Subject:
    return Subject(ObjectType.DATA_FIELD, field.guid)
