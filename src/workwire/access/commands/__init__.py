"""The only writer of accounts, roles, groups, data permissions and application credentials.

An application writes none of them, whatever its roles; it may only end itself.
"""

from workwire.access.commands.accounts import (
    change_user,
    create_user,
    end_sessions,
    set_active,
    set_manager,
    set_names,
    set_password,
    set_preferences,
    set_roles,
    set_suspended,
)
from workwire.access.commands.background import cancel_job
from workwire.access.commands.changing_settings import change_settings
from workwire.access.commands.credentials import (
    create_credential,
    create_own_credential,
    renew_own_secret,
    renew_secret,
    revoke_credential,
    update_credential,
)
from workwire.access.commands.groups import change_members, create_group, grant, rename_group, revoke
from workwire.access.commands.own_password import change_own_password
from workwire.access.commands.password_links import give_link
from workwire.access.commands.pictures import remove_picture, set_own_picture
from workwire.access.commands.roles import (
    change_role,
    create_role,
    make_built_in_roles,
    remove_role,
    rename_role,
    set_role_features,
    set_second_factor_required,
)
from workwire.access.commands.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    turn_off_second_factor,
)

__all__ = [
    "begin_second_factor",
    "cancel_job",
    "change_members",
    "change_own_password",
    "change_role",
    "change_settings",
    "change_user",
    "confirm_second_factor",
    "create_credential",
    "create_group",
    "create_own_credential",
    "create_role",
    "create_user",
    "end_sessions",
    "give_link",
    "grant",
    "make_built_in_roles",
    "remove_picture",
    "remove_role",
    "remove_second_factor",
    "rename_group",
    "rename_role",
    "renew_own_secret",
    "renew_recovery_codes",
    "renew_secret",
    "revoke",
    "revoke_credential",
    "set_active",
    "set_manager",
    "set_names",
    "set_own_picture",
    "set_password",
    "set_preferences",
    "set_role_features",
    "set_roles",
    "set_second_factor_required",
    "set_suspended",
    "turn_off_second_factor",
    "update_credential",
]
