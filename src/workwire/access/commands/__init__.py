"""The only writer of accounts, roles, groups, data permissions and application credentials."""

from workwire.access.commands.accounts import (
    change_members,
    change_user,
    create_group,
    create_role,
    create_user,
    grant,
    make_built_in_roles,
    revoke,
    set_active,
    set_password,
    set_role_features,
    set_roles,
)
from workwire.access.commands.credentials import create_credential, renew_secret, revoke_credential, update_credential

__all__ = [
    "change_members",
    "change_user",
    "create_credential",
    "create_group",
    "create_role",
    "create_user",
    "grant",
    "make_built_in_roles",
    "renew_secret",
    "revoke",
    "revoke_credential",
    "set_active",
    "set_password",
    "set_role_features",
    "set_roles",
    "update_credential",
]
