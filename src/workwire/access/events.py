"""What happens to accounts and rights. None of it fires a webhook; the ledger keeps it for audit."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


class UserBody(EventBody):
    """An account as of the event."""

    area = Area.RIGHTS

    GUID: str
    Username: str
    FullName: str
    UserType: int
    Active: bool
    Roles: list[str]


@event("UserCreated")
class UserCreated(UserBody):
    """An account was made."""


@event("UserUpdated")
class UserUpdated(UserBody):
    """An account, its roles or its password changed."""


@event("PasswordLinkMade")
class PasswordLinkMade(EventBody):
    """A link was made by which an account sets a new password; never the link itself."""

    area = Area.RIGHTS

    GUID: str
    Username: str
    Mailed: bool


class FactorBody(EventBody):
    """Whose second factor it is."""

    area = Area.RIGHTS

    GUID: str
    Username: str


@event("SecondFactorBegun")
class SecondFactorBegun(FactorBody):
    """An account got a key for its second factor, which counts once a code of it was confirmed."""


@event("SecondFactorSet")
class SecondFactorSet(FactorBody):
    """An account turned its second factor on."""


@event("SecondFactorRemoved")
class SecondFactorRemoved(FactorBody):
    """An account turned its second factor off, or an administrator removed a lost one."""


@event("RecoveryCodesMade")
class RecoveryCodesMade(FactorBody):
    """An account made new recovery codes; the old ones ended."""


@event("RecoveryCodeUsed")
class RecoveryCodeUsed(FactorBody):
    """A recovery code stood in for the second factor."""


class RoleBody(EventBody):
    """A role as of the event."""

    area = Area.RIGHTS

    GUID: str
    Name: str
    Kind: str
    Features: list[str]


@event("RoleCreated")
class RoleCreated(RoleBody):
    """A role was made."""


@event("RoleUpdated")
class RoleUpdated(RoleBody):
    """The name or the features of a role changed."""


@event("RoleRemoved")
class RoleRemoved(RoleBody):
    """A role that nobody held was removed."""


class GroupBody(EventBody):
    """A user group as of the event."""

    area = Area.RIGHTS

    GUID: str
    Name: str


@event("UserGroupCreated")
class UserGroupCreated(GroupBody):
    """A user group was made."""


@event("UserGroupRenamed")
class UserGroupRenamed(GroupBody):
    """A user group got another name."""


@event("UserGroupMembersChanged")
class UserGroupMembersChanged(GroupBody):
    """Accounts joined or left a user group."""

    Joined: list[str] = []
    Left: list[str] = []


@event("PermissionGranted")
class PermissionGranted(GroupBody):
    """A user group may now see an object and what lies below it."""

    ObjectType: str
    ObjectID: int


@event("PermissionRevoked")
class PermissionRevoked(PermissionGranted):
    """A user group may no longer see an object by this permission."""


class CredentialBody(EventBody):
    """An application credential as of the event; never its secret."""

    area = Area.RIGHTS

    GUID: str
    Name: str
    ClientID: str
    User: str


@event("CredentialCreated")
class CredentialCreated(CredentialBody):
    """An application credential was made."""


@event("CredentialUpdated")
class CredentialUpdated(CredentialBody):
    """The name, the expiry, the roles or the secret of an application credential changed."""


@event("CredentialRevoked")
class CredentialRevoked(CredentialBody):
    """An application credential was ended before its time."""


@event("SettingChanged")
class SettingChanged(EventBody):
    """An administrator chose another value for a setting, or went back to the default (null)."""

    area = Area.SETTINGS

    GUID: str
    Name: str
    Old: int | str | None
    New: int | str | None


class SessionBody(EventBody):
    """Who logged in or out."""

    area = Area.SIGN_INS

    GUID: str
    Username: str


@event("LoggedIn")
class LoggedIn(SessionBody):
    """A password or client secret was accepted and a token given out."""


@event("LoggedOut")
class LoggedOut(SessionBody):
    """A token was given back."""


@event("LoginRefused")
class LoginRefused(SessionBody):
    """A password or client secret was wrong; `Reason` is the code of the refusal. For a name that no account has there is no
    `Username`, because people type passwords into that field, and `GUID` is the nil one."""

    Reason: str


@event("SessionsEnded")
class SessionsEnded(SessionBody):
    """The sessions of an account were ended, by itself or by who manages accounts."""

    Count: int
