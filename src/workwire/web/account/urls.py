"""Addresses of the settings of one's own account."""

from django.urls import path

from workwire.web.account import (
    credential_page,
    forgotten_password,
    own_credentials,
    own_picture,
    own_preferences,
    own_session_list,
    password_page,
    second_factor_page,
)

urlpatterns = [
    path("forgotten-password", forgotten_password.forgotten_password, name="forgotten-password"),
    path("new-password", forgotten_password.new_password, name="new-password"),
    path("settings/me", own_preferences.me, name="me"),
    path("settings/picture", own_picture.own_picture, name="own-picture"),
    path("settings/picture/remove", own_picture.remove, name="own-picture-remove"),
    path("pictures/<uuid:guid>", own_picture.picture, name="picture"),
    path("settings/password", password_page.own_password, name="own-password"),
    path("settings/second-factor", second_factor_page.second_factor, name="second-factor"),
    path("settings/second-factor/begin", second_factor_page.begin, name="second-factor-begin"),
    path("settings/second-factor/codes", second_factor_page.renew_codes, name="second-factor-codes"),
    path("settings/second-factor/turn-off", second_factor_page.turn_off, name="second-factor-off"),
    path("settings/sessions", own_session_list.own_sessions, name="own-sessions"),
    path("settings/credentials", own_credentials.own_credentials, name="own-credentials"),
    path("settings/credentials/new", credential_page.new_credential, name="new-credential"),
    path("settings/credentials/<uuid:guid>", credential_page.own_credential, name="own-credential"),
    path("settings/credentials/<uuid:guid>/renew-secret", credential_page.renew_secret, name="own-credential-renew"),
    path("settings/credentials/<uuid:guid>/revoke", credential_page.revoke, name="own-credential-revoke"),
]
