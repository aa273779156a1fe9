"""Queries of what an account may do and see. All answers are computed by the database at the moment of asking.

`granted` and `holds` are conditions that fit both into a list (`visible_to`) and into a batch where each row has its own
account (the check before every message), so that there is one definition of each right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, When

from workwire.access import features
from workwire.access.models import (
    LONGEST_USERNAME,
    AccountPicture,
    Credential,
    DataPermission,
    Role,
    RoleFeature,
    Setting,
    User,
    UserGroup,
)
from workwire.access.policy import require, require_no_more, require_of_person
from workwire.jobs import queries as all_jobs
from workwire.jobs.models import Job
from workwire.kernel import clock, folding, keys, text
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Forbidden, Invalid, not_found
from workwire.kernel.pages import Page
from workwire.outbox import event_pages, ledger
from workwire.outbox.event_pages import Wanted
from workwire.outbox.models import Event

Account = int | OuterRef | F
LEVELS = ("company", "contract", "service", "process")
PERMITTED = (
    "company",
    "contract__customer",
    "service__contract__customer",
    "process__work_type",
    "process__service__contract__customer",
)  # the objects of data permissions, with what they are called by
NO_ACCOUNT = -1


def granted(account: Account, **paths: str) -> Exists:
    """Whether a data permission of `account` covers the row of the outer query.

    `paths` name the outer columns that hold the ids of the objects above the row, by level: ``company``, ``parent``
    (the company's parent), ``contract``, ``service``, ``process``.
    """
    return Exists(permissions_on(account, {level: OuterRef(path) for level, path in paths.items()}))


def permissions_on(account: Account, above: Mapping[str, OuterRef | int | None]) -> QuerySet[DataPermission]:
    """The data permissions of `account` that cover what lies under the objects `above`: their ids by level, as `granted` has
    them."""
    levels = [Q(**{"company" if level == "parent" else level: of}) for level, of in above.items() if of is not None]
    return DataPermission.objects.filter(reduce(or_, levels), group__members=account)


def level_of(permission: DataPermission) -> str:
    """The level of the object that a data permission is on."""
    return next(level for level in LEVELS if getattr(permission, f"{level}_id") is not None)


def holds(account: Account, *wanted: str, credential: Account | None = None) -> Exists:
    """Whether `account` holds one of the wanted features through a role it has now.

    With a `credential`, a column of the outer row that must not be null, only through roles that the credential has too.
    """
    found = RoleFeature.objects.filter(role__assignments__user=account, feature__in=features.that_allow(*wanted))
    return Exists(found.filter(role__credentials=credential) if credential is not None else found)


def bound_to_self_service(user: str) -> Q:
    """Whether the account a column names is in self service by all its roles."""
    return Q(holds(OuterRef(user), features.SELF_SERVICE)) & ~Q(holds(OuterRef(user), features.WORK_ITEMS))


def sees_all(actor: Actor) -> bool:
    """Whether data permissions do not bind the actor: the system, administrators, and who holds *all records*."""
    return any(actor.has(feature) for feature in features.SEES_ALL)


def has_administrator() -> bool:
    """Whether an active account administers."""
    return User.objects.filter(holds(OuterRef("pk"), features.ADMINISTRATOR), is_active=True).exists()


def administers(actor: Actor) -> bool:
    """Whether the actor is an administrator, or the system."""
    return actor.has(features.ADMINISTRATOR)


class _Joined(Aggregate):
    """Texts without commas as one text, with commas between them."""

    template = "%(function)s(%(expressions)s, ',')"
    function = "STRING_AGG"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """The same by its name there."""
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **more)


def features_joined(user: str, credential: str) -> Case:
    """The features that `features_of` gives, joined by commas, as a column of a row with these columns."""
    held = RoleFeature.objects.filter(role__assignments__user=OuterRef(user))
    limited = held.filter(role__credentials=OuterRef(credential))
    return Case(When(**{credential: None}, then=_joined(held)), default=_joined(limited))


def _joined(features: QuerySet[RoleFeature]) -> Subquery:
    in_all = features.order_by().values("role__assignments__user").annotate(names=_Joined("feature"))
    return Subquery(in_all.values("names"))


def features_of(user: User, credential: Credential | None = None) -> frozenset[str]:
    """The features a user holds now, limited to the credential's roles when it acts through one."""
    through = {} if credential is None else {"credential": credential.pk}
    return features.with_included(row.feature for row in _FEATURES(SYSTEM, user=user.pk, **through))


def _features(_by: Actor, *, user: int, credential: int | None = None) -> QuerySet[RoleFeature]:
    found = RoleFeature.objects.filter(role__assignments__user=user)
    return found if credential is None else found.filter(role__credentials=credential)


_FEATURES = ComposedQuery(_features)


def valid_credentials(at: datetime | None = None) -> Q:
    """The condition under which an application credential counts, now or at a moment: not revoked, not expired, its user
    active."""
    return Q(revoked_at=None, expires_at__gt=at or clock.now(), user__is_active=True)


def users_visible_to(actor: Actor) -> QuerySet[User]:
    """Accounts an actor may name: all active ones for people who work; who manages accounts sees retired ones too."""
    users = User.objects.select_related("manager").prefetch_related("role_assignments__role")
    return users if actor.has(features.USERS) else users.filter(is_active=True)


def require_may_manage(user: User, by: Actor) -> None:
    """Raise Forbidden unless the actor manages accounts in person, and this one may do no more than itself."""
    require_of_person(by, features.USERS)
    if not administers(by):
        require_no_more(by, features_of(user))


def may_manage(user: User, by: Actor) -> bool:
    """Whether the actor may change an account; commands ask again."""
    try:
        require_may_manage(user, by)
    except Forbidden:
        return False
    return True


def accounts(*, by: Actor, words: str = "", role: UUID | None = None, active: bool | None = None) -> QuerySet[User]:
    """Accounts for who manages them, retired ones too; with every word of a search in name or mail address, with a role,
    active or not. Raises Forbidden."""
    require(by, features.USERS)
    found = users_visible_to(by).filter(keys.holding_words(words))
    if role is not None:
        found = found.filter(role_assignments__role__guid=role)
    return found if active is None else found.filter(is_active=active)


def user_named(username: str, *, by: Actor, field: str) -> User:
    """An account by its user name, as people type it; raises Invalid."""
    found = called(username.strip(), users_visible_to(by)) if len(username) <= LONGEST_USERNAME else None
    if found is None:
        raise Invalid("user_unknown", field=field, name=username)
    return found


def member(group: UUID, user: UUID) -> User:
    """A member of a user group, retired or not; raises NotFound."""
    found = User.objects.filter(guid=user, user_groups__guid=group).first()
    if found is None:
        raise not_found("user")
    return found


def groups_of(user: User) -> QuerySet[UserGroup]:
    """The user groups an account is a member of."""
    return UserGroup.objects.filter(members=user.pk).order_by("name")


def permissions_of(user: User) -> QuerySet[DataPermission]:
    """The data permissions an account has by its groups."""
    return _with_objects(DataPermission.objects.filter(group__members=user.pk))


def permissions_of_group(group: UserGroup) -> QuerySet[DataPermission]:
    """The data permissions of a user group."""
    return _with_objects(DataPermission.objects.filter(group=group.pk))


def last_change(record: UUID) -> tuple[str, datetime] | None:
    """Who changed a record last, by name, and when; the name is empty for the system. Whoever calls has checked that the actor
    may change the record."""
    changing = Event.objects.filter(record_guid=record).exclude(changes="[]")
    found = changing.select_related("actor").order_by("-pk").first()
    if found is None:
        return None
    return (found.actor.full_name if found.actor is not None else ""), found.occurred_at


def settings_chosen(*, by: Actor) -> dict[str, ChosenSetting]:
    """The settings an administrator chose, by name: what, who and when. Raises Forbidden without the feature *settings*."""
    require(by, features.SETTINGS)
    rows = {row.guid: row for row in Setting.objects.all()}
    events = Event.objects.select_related("actor").filter(record_guid__in=list(rows)).order_by("pk")
    last = {event.record_guid: event for event in events}
    found = {}
    for guid, row in rows.items():
        event = last.get(guid)
        who = event.actor.full_name if event is not None and event.actor is not None else ""
        found[row.name] = ChosenSetting(row.guid, row.value, who, event.occurred_at if event is not None else None)
    return found


@dataclass(frozen=True, slots=True)
class ChosenSetting:
    """What was chosen for a setting, by whom (empty for the system) and when."""

    guid: UUID
    value: int | str
    who: str
    at: datetime | None


def _with_objects(permissions: QuerySet[DataPermission]) -> QuerySet[DataPermission]:
    return permissions.select_related("group", *PERMITTED).order_by("group__name", "pk")


def user(guid: UUID, *, by: Actor) -> User:
    """One account; raises NotFound."""
    found = users_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("user")
    return found


def picture(guid: UUID, *, by: Actor) -> AccountPicture:
    """The picture of an account that the actor may name; in self service only one's own. Raises NotFound where it has none."""
    bound = by.bound_to_self_service or features.bind_to_self_service(by.features)
    seen = User.objects.filter(pk=by.user_id or 0) if bound else users_visible_to(by)
    found = AccountPicture.objects.filter(user__in=seen.filter(guid=guid).order_by()).first()
    if found is None:
        raise not_found("picture")
    return found


def users(guids: Iterable[UUID], *, by: Actor) -> list[User]:
    """The accounts with the given GUIDs, each once; raises NotFound when one of them is not there."""
    wanted = set(guids)
    found = list(users_visible_to(by).filter(guid__in=wanted).order_by("pk"))
    if len(found) != len(wanted):
        raise not_found("user")
    return found


def users_matching(actor: Actor, words: str) -> QuerySet[User]:
    """Active accounts whose name or mail address holds every word of a search, by name."""
    found = User.objects.filter(keys.holding_words(words), is_active=True)
    return found.order_by("full_name", "pk") if actor.has(features.WORK_ITEMS) else found.none()


def account_id(named: UUID | str) -> int:
    """The id of an account by its GUID or its user name, retired or not; `NO_ACCOUNT` where there is none."""
    if isinstance(named, str):
        found = user_called(named)
        return NO_ACCOUNT if found is None else found.pk
    return User.objects.filter(guid=named).values_list("pk", flat=True).first() or NO_ACCOUNT


def roles() -> QuerySet[Role]:
    """All roles with their features."""
    return Role.objects.prefetch_related("features").order_by("name")


def holders(role: Role, *, by: Actor) -> QuerySet[User]:
    """The accounts that hold a role, for who manages accounts; nobody for others."""
    found = users_visible_to(by).filter(role_assignments__role=role.pk)
    return found if by.has(features.USERS) else found.none()


def holder_counts() -> dict[int, int]:
    """How many accounts hold each role, by its id."""
    counts = Role.objects.annotate(holders=Count("assignments")).values_list("pk", "holders")
    return dict(counts)


def role(guid: UUID) -> Role:
    """One role; raises NotFound."""
    found = roles().filter(guid=guid).first()
    if found is None:
        raise not_found("role")
    return found


def groups() -> QuerySet[UserGroup]:
    """All user groups."""
    return UserGroup.objects.order_by("name")


def groups_with_members() -> QuerySet[UserGroup]:
    """All user groups with their members."""
    return groups().prefetch_related("members")


def member_counts(counted: Iterable[UserGroup]) -> dict[int, int]:
    """How many members some groups have, by their ids."""
    found = groups().filter(pk__in=[group.pk for group in counted]).annotate(count=Count("members"))
    return dict(found.values_list("pk", "count"))


def group(guid: UUID) -> UserGroup:
    """One user group, for administrators; raises NotFound."""
    found = groups_with_members().filter(guid=guid).first()
    if found is None:
        raise not_found("user_group")
    return found


def credential(guid: UUID, *, by: Actor) -> Credential:
    """One application credential of the actor's own account, or any for an administrator; raises NotFound."""
    found = credentials_of(by).filter(guid=guid).first()
    if found is None:
        raise not_found("credential")
    return found


def credentials_of(actor: Actor) -> QuerySet[Credential]:
    """The application credentials of the actor's own account; all of them for who manages accounts."""
    found = Credential.objects.select_related("user").prefetch_related("roles")
    return found if actor.has(features.USERS) else found.filter(user_id=actor.user_id or 0)


def own_credentials(by: Actor) -> QuerySet[Credential]:
    """The application credentials of the actor's own account, whatever else it manages."""
    return credentials_of(by).filter(user_id=by.user_id or 0)


def own_credential(guid: UUID, *, by: Actor) -> Credential:
    """One of them; raises NotFound."""
    found = own_credentials(by).filter(guid=guid).first()
    if found is None:
        raise not_found("credential")
    return found


def own_roles(by: Actor) -> QuerySet[Role]:
    """The roles that the actor's own account holds."""
    return Role.objects.filter(assignments__user=by.user_id or 0).order_by("name")


def audit(wanted: Wanted, *, by: Actor, limit: int = 50, cursor: str | None = None) -> Page[Event]:
    """A page of what happened to everything, newest first; raises Forbidden without the feature *audit*."""
    require(by, features.AUDIT)
    return event_pages.page(ledger.events(), wanted, limit=limit, cursor=cursor)


def jobs(*, by: Actor) -> QuerySet[Job]:
    """The jobs the actor asked for; all of them for an administrator."""
    return all_jobs.jobs() if administers(by) else all_jobs.jobs(by.user_id)


def job(guid: UUID, *, by: Actor) -> Job:
    """One job; raises NotFound, also for one that somebody else asked for."""
    found = jobs(by=by).filter(guid=guid).first()
    if found is None:
        raise not_found("job")
    return found


def account(actor: Actor) -> User:
    """The actor's own account; raises NotFound for the system, which has none."""
    found = _ACCOUNT.first(SYSTEM, pk=actor.user_id or 0)
    if found is None:
        raise not_found("user")
    return found


def _account(_by: Actor, *, pk: int) -> QuerySet[User]:
    return User.objects.filter(pk=pk).select_related("manager")


_ACCOUNT = ComposedQuery(_account)


ACCOUNTS = User._meta.db_table


def with_guid(guid: UUID) -> User | None:
    """The account with a GUID, for what the system does."""
    return User.objects.filter(guid=guid).first()


def has_accounts() -> bool:
    """Whether there is any account."""
    return User.objects.exists()


def suspended(user_id: int) -> QuerySet[User]:
    """The account, if it is a robot that is suspended."""
    return User.objects.filter(pk=user_id, suspended_at__isnull=False)


def is_suspended(user_id: int) -> bool:
    """Whether an account is a robot that is suspended."""
    return suspended(user_id).exists()


def user_called(username: str) -> User | None:
    """The account of a user name in any spelling, retired ones included."""
    return called(username, User.objects.all())


def called(username: str, among: QuerySet[User]) -> User | None:
    """The account of a user name in any spelling, the exact one first: an upgrade may have found two that differ in it."""
    named = Q(username=username) | Q(username_key=folding.key(username))
    found = list(among.filter(named)[:2]) if text.is_storable(username) else []
    return next((user for user in found if user.username == username), found[0] if found else None)
