"""What the codes of access say."""

from workwire.kernel.wording import register

register(
    "access",
    refusals={
        "credential_not_found": "There is no such credential.",
        "credential_revoked": "This credential has been revoked before.",
        "email_invalid": "A mail address is written like name@example.org.",
        "expiry_invalid": "A credential must expire within two years.",
        "feature_missing": "This needs a role with the feature '{feature}'.",
        "feature_missing.one_of": "This needs a role with one of the features {features}.",
        "feature_missing.to_start": "This needs a role that may start work items.",
        "feature_unknown": "There is no feature '{feature}'.",
        "group_name_invalid": "A user group needs a name no other group has.",
        "invalid_client": "The client id or the client secret is wrong, or no longer valid.",
        "level_invalid": "A data permission names one of {levels}.",
        "login_failed": "The user name or the password is wrong.",
        "manager_below": "An account cannot report to itself, directly or through others.",
        "more_than_own": "This concerns features that you do not hold: {features}.",
        "password_weak": "{reasons:password_reason}",
        "preference_invalid": "{name} must be one of {choices}.",
        "refused_to_applications": "An application may not change accounts, rights or credentials.",
        "role_built_in": "A built-in role keeps its name and cannot be removed.",
        "role_in_use": "This role is held by accounts or credentials; give them another one first.",
        "role_kind_invalid": "A role is operational or builder.",
        "role_name_invalid": "A role needs a name no other role has.",
        "role_not_found": "There is no such role.",
        "roles_changed": "The account's roles were changed at the same time.",
        "roles_invalid": "An account must hold one operational role and at most one builder role.",
        "roles_invalid.of_credential": "A credential needs one or more of its user's own roles.",
        "time_zone_invalid": "A time zone is written like Europe/Paris.",
        "token_invalid": "There is no valid token with this request; log in.",
        "too_many_logins": "Too many failed logins; wait a quarter of an hour.",
        "user_group_not_found": "There is no such user group.",
        "user_not_found": "There is no such user.",
        "username_invalid": "An account needs a user name no other account has.",
        "username_mixes_alphabets": "A user name must have letters of one alphabet only.",
    },
    words={
        "password_reason": {
            "password_too_short": "This password is too short. It must contain at least 10 characters.",
            "password_too_common": "This password is too common.",
            "password_too_similar": "The password is too similar to the name or the mail address of the account.",
        },
    },
)
