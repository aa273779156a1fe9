"""Application credentials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from workwire.access import events
from workwire.access.commands.accounts import require_may_manage, require_may_stand_in_for
from workwire.access.commands.naming import LONGEST_NAME
from workwire.access.commands.own_password import require_own_password
from workwire.access.models import Credential, Role, User
from workwire.access.policy import require_in_person
from workwire.kernel import clock, crypto, ids, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, related
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

LONGEST_CREDENTIAL = timedelta(days=730)


@transaction.atomic
def create_credential(
    user: User, name: str, roles: Sequence[Role], *, expires_at: datetime, by: Actor
) -> tuple[Credential, str]:
    """Make an application credential acting as `user` with some of that user's roles; returns it with its secret,
    which is shown this once. A user makes them for itself, an administrator for others."""
    if by.user_id != user.pk:
        require_may_stand_in_for(user, by)
    require_in_person(by)
    _check_roles(user, roles)
    _check_expiry(expires_at)
    secret = crypto.new_token("wws")
    credential = Credential.objects.create(
        user=user,
        name=text.line(name, field="name", longest=LONGEST_NAME) or "Application",
        client_id=f"ww-{ids.new_guid().hex}",
        secret_digest=crypto.digest(secret),
        expires_at=expires_at,
    )
    credential.roles.set(roles)
    changes = added(credential, roles=(role.pk for role in roles))
    _record_credential(events.CredentialCreated, credential, by, changes)
    return credential, secret


def create_own_credential(
    present: str, name: str, roles: Sequence[Role], *, expires_at: datetime, by: Actor
) -> tuple[Credential, str]:
    """Make an application credential for oneself; asks for the present password, or whoever finds a browser signed in could
    keep a way in. Refuses as `change_own_password` and `create_credential` do."""
    user = require_own_password(present, by=by)
    return create_credential(user, name, roles, expires_at=expires_at, by=by)


def renew_own_secret(present: str, credential: Credential, *, by: Actor) -> tuple[Credential, str]:
    """Give a credential of one's own a new secret; asks for the present password, as making one does."""
    require_own_password(present, by=by)
    return renew_secret(credential, by=by)


@transaction.atomic
def update_credential(
    credential: Credential,
    *,
    by: Actor,
    name: str | None = None,
    expires_at: datetime | None = None,
    roles: Sequence[Role] | None = None,
) -> Credential:
    """Change the name, the expiry or the roles of a credential that has not ended; what is None stays. Its tokens end when its
    roles change."""
    credential = _own_credential(credential, by)
    before = columns(credential)
    if name is not None:
        credential.name = text.line(name, field="name", longest=LONGEST_NAME) or credential.name
    if expires_at is not None and expires_at != credential.expires_at:
        _check_expiry(expires_at)
        credential.expires_at = expires_at
    changes = altered(credential, before) + ([] if roles is None else _set_roles(credential, roles))
    if changes:
        credential.save(update_fields=["name", "expires_at"])
        _record_credential(events.CredentialUpdated, credential, by, changes)
    return credential


@transaction.atomic
def renew_secret(credential: Credential, *, by: Actor) -> tuple[Credential, str]:
    """Give a credential a new secret, shown this once; the old one and the tokens it gave end at once."""
    credential = _own_credential(credential, by)
    before, secret = columns(credential), crypto.new_token("wws")
    credential.secret_digest = crypto.digest(secret)
    credential.save(update_fields=["secret_digest"])
    credential.tokens.all().delete()
    _record_credential(events.CredentialUpdated, credential, by, altered(credential, before))
    return credential, secret


@transaction.atomic
def revoke_credential(credential: Credential, *, by: Actor) -> None:
    """End a credential and its tokens now; raises Conflict when it has ended before. An application ends only itself."""
    if by.user_id != credential.user_id:
        require_may_manage(credential.user, by)
    if by.credential_id != credential.pk:
        require_in_person(by)
    credential = Credential.objects.select_for_update().select_related("user").get(pk=credential.pk)
    if credential.revoked_at is not None:
        raise Conflict("credential_revoked")
    before = columns(credential)
    credential.revoked_at = clock.now()
    credential.save(update_fields=["revoked_at"])
    credential.tokens.all().delete()
    _record_credential(events.CredentialRevoked, credential, by, altered(credential, before))


def _own_credential(credential: Credential, by: Actor) -> Credential:
    """A credential, locked, that the actor may change in person and that has not ended."""
    if by.user_id != credential.user_id:
        require_may_stand_in_for(credential.user, by)
    require_in_person(by)
    found = Credential.objects.select_for_update(of=("self",)).select_related("user").get(pk=credential.pk)
    if found.revoked_at is not None:
        raise Conflict("credential_revoked")
    return found


def _check_roles(user: User, roles: Sequence[Role]) -> None:
    held = set(user.role_assignments.values_list("role_id", flat=True))
    if not roles or {role.pk for role in roles} - held:
        raise Invalid("roles_invalid.of_credential", field="roles")


def _set_roles(credential: Credential, roles: Sequence[Role]) -> list[RowChange]:
    """Give a credential these roles and no others, which ends its tokens; returns what changed."""
    _check_roles(credential.user, roles)
    held, wanted = set(credential.roles.values_list("pk", flat=True)), {role.pk for role in roles}
    if held == wanted:
        return []
    credential.roles.set(roles)
    credential.tokens.all().delete()
    return related(credential, "roles", sorted(held - wanted), sorted(wanted - held))


def _check_expiry(expires_at: datetime) -> None:
    if not clock.now() < expires_at <= clock.now() + LONGEST_CREDENTIAL:
        raise Invalid("expiry_invalid", field="expires_at")


def _record_credential(
    kind: type[events.CredentialBody], credential: Credential, by: Actor, changes: list[RowChange]
) -> None:
    body = kind(
        GUID=str(credential.guid),
        Name=credential.name,
        ClientID=credential.client_id,
        User=credential.user.username,
    )
    record(body, about=Subject(ObjectType.CREDENTIAL, credential.guid), by=by, changes=changes)
